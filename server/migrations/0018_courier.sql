-- Courier files: who brought what, and what became of it. The work itself stands in the log of changes.
create table courier (
    id       {{blob}} primary key,       -- 16 random bytes
    account  {{blob}} not null references account (id),  -- who brought it, for whomever
    device   {{blob}},                   -- device it was brought on; null for a person without one
    unit     text     not null,          -- unit of the account
    digest   {{blob}} not null,          -- SHA-256 of the file
    bytes    {{int}}  not null,
    at_ms    {{int}}  not null,
    outcome  text     not null,          -- JSON: what became of each piece and of its batches
    receipts text     not null           -- the receipt file, kept for a day; '' after that
){{strict}};
create index courier_account on courier (account, at_ms);

create table courier_manifest (
    manifest {{blob}} not null,          -- SHA-256 of a signed manifest that was in the file
    courier  {{blob}} not null references courier (id),
    primary key (manifest, courier)
){{strict}};
