-- Paper forms typed in offices, the sample of them that is typed twice, and what was settled then.

create table paper_entry (
    campaign {{blob}} not null references campaign (id),
    document {{blob}} not null,
    hash     {{blob}} not null,          -- the change it became
    unit     text     not null,
    account  {{blob}} not null references account (id),
    blocks   text     not null,          -- JSON: blocks of the form that were typed
    at_ms    {{int}}  not null,
    primary key (campaign, document, hash)
){{strict}};
create index paper_entry_unit on paper_entry (campaign, unit);

create table second_entry (
    campaign   {{blob}} not null references campaign (id),
    document   {{blob}} not null,
    unit       text     not null,
    first_hash {{blob}} not null,        -- the first entry's newest change when it was typed
    account    {{blob}} not null references account (id),
    sheet      text     not null,        -- JSON: what was typed; it is in no document
    compared   text     not null,        -- JSON: fields compared, and those that differ
    at_ms      {{int}}  not null,
    primary key (campaign, document)
){{strict}};
create index second_entry_unit on second_entry (campaign, unit);

create table second_settled (
    campaign {{blob}} not null references campaign (id),
    document {{blob}} not null,
    path     text     not null,          -- the field in which the entries differ
    account  {{blob}} not null references account (id),
    value    text     not null,          -- JSON: the value that is right; null where none is
    reason   text     not null,
    at_ms    {{int}}  not null,
    primary key (campaign, document, path)
){{strict}};
