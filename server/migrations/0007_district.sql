-- The district's desk: samples to check with what was found, remarks about households of a list,
-- scans of signed papers, deadlines. All of it is appended to and never edited or removed.

-- One sample for each frozen list: nobody draws until a sample pleases.
create table sample (
    campaign {{blob}} not null,
    unit     text     not null,
    root     {{blob}} not null,          -- list it was drawn from
    seed     text     not null,
    drawn_by text     not null check (drawn_by in ('server', 'person')),
    size     text     not null,          -- as it was asked for, JSON
    account  {{blob}} not null references account (id),
    at_ms    {{int}}  not null,
    primary key (campaign, unit, root)
){{strict}};

-- The newest of a household counts; the others stay.
create table sample_finding (
    campaign {{blob}} not null,
    unit     text     not null,
    root     {{blob}} not null,
    position {{int}}  not null,          -- from 1 in a sample, no gaps
    document {{blob}} not null,
    finding  text     not null,          -- JSON
    note     text     not null,
    account  {{blob}} not null references account (id),
    at_ms    {{int}}  not null,
    primary key (campaign, unit, root, position)
){{strict}};

create table remark (
    campaign {{blob}} not null,
    unit     text     not null,
    position {{int}}  not null,          -- from 1 in a unit, no gaps
    root     {{blob}} not null,          -- list that the comment is about
    document {{blob}} not null,
    kind     text     not null check (kind in ('comment', 'answer', 'done')),
    about    {{int}}  not null,          -- position of the comment that is answered; 0 for a comment
    text     text     not null,
    account  {{blob}} not null references account (id),
    at_ms    {{int}}  not null,
    primary key (campaign, unit, position)
){{strict}};
create index remark_document on remark (campaign, document);

create table scan (
    campaign {{blob}} not null,
    unit     text     not null,
    digest   {{blob}} not null,          -- SHA-256 of the bytes
    kind     text     not null check (kind in ('opinion', 'decision', 'minutes')),
    media    text     not null check (media in ('pdf', 'jpg', 'png')),
    title    text     not null,
    size     {{int}}  not null,          -- bytes
    bytes    {{blob}} not null,          -- last: lists of scans do not read it
    account  {{blob}} not null references account (id),
    at_ms    {{int}}  not null,
    primary key (campaign, unit, digest)
){{strict}};

-- The newest counts.
create table deadline (
    campaign {{blob}} not null,
    position {{int}}  not null,          -- from 1 in a campaign, no gaps
    body     text     not null,          -- JSON
    account  {{blob}} not null references account (id),
    at_ms    {{int}}  not null,
    primary key (campaign, position)
){{strict}};
