-- Spreadsheets: files that were sent and wait for a word, the columns that exports have, and the
-- day of registered counts.

-- A file as it came, between looking at it and writing it. Kept for a day: it holds personal data.
create table upload (
    id         {{blob}} primary key,     -- 16 random bytes
    account    {{blob}} not null references account (id),
    campaign   {{blob}} not null references campaign (id),
    kind       text     not null check (kind in ('roster', 'hamlets', 'accounts', 'assignments')),
    name       text     not null,        -- as the person's machine calls it
    bytes      {{blob}} not null,
    at_ms      {{int}}  not null,
    taken_ms   {{int}},                  -- when its good rows were written
    taken      {{int}},                  -- how many were new
    skipped    {{int}}                   -- how many were there already
){{strict}};
create index upload_account on upload (account, at_ms);
create index upload_at on upload (at_ms);

-- Columns of exported tables: every version a province has saved, the newest in force.
create table layout (
    province    text     not null,       -- unit code
    province_on text     not null,       -- day on which the code is read, YYYY-MM-DD
    name        text     not null,
    version     {{int}}  not null,       -- from 1
    body        text     not null,       -- JSON: rows, and columns with key, title, format
    account     {{blob}} not null references account (id),
    at_ms       {{int}}  not null,
    primary key (province, province_on, name, version)
){{strict}};

alter table hamlet add column counted_on text not null default '';  -- YYYY-MM-DD; '' where not said
