-- Score tables that two people answer for, targets, one-time passwords, and the log by day.

-- Every score table that was ever loaded, as its file was.
create table score_table_file (
    digest {{blob}} primary key,         -- SHA-256 of the text
    text   text     not null
){{strict}};

-- Append-only log of who loaded which table into a campaign, and who confirmed exactly that one.
-- campaign.score_table is the table confirmed last.
create table score_table_step (
    campaign {{blob}} not null references campaign (id),
    position {{int}}  not null,          -- from 1, no gaps
    kind     text     not null check (kind in ('load', 'confirm')),
    digest   {{blob}} not null references score_table_file (digest),
    account  {{blob}} not null references account (id),
    at_ms    {{int}}  not null,
    primary key (campaign, position)
){{strict}};

-- Append-only log of targets: the newest of a unit and a rate holds.
create table target (
    campaign {{blob}} not null references campaign (id),
    unit     text     not null,
    rate     text     not null check (rate in ('poor', 'multidimensional')),
    position {{int}}  not null,          -- from 1, no gaps
    fall     {{int}}  not null,          -- hundredths of a percentage point the rate is to fall by
    number   text     not null,          -- of the document that sets it
    date     text     not null,          -- of the document, YYYY-MM-DD
    source   text     not null,          -- who issued it, and where in it
    account  {{blob}} not null references account (id),
    at_ms    {{int}}  not null,
    primary key (campaign, unit, rate, position)
){{strict}};

-- Set where an office drew the password: it opens one session, until then, in which the person
-- chooses another. Null where the password is the person's own.
alter table account add column once_until_ms {{int}};

-- Changes stored on each day (UTC+7), but for the opening list; counted as they come.
create table day_log (
    campaign {{blob}} not null,
    unit     text     not null,
    day      {{int}}  not null,          -- days since 1970-01-01
    changes  {{int}}  not null,
    primary key (campaign, unit, day)
){{strict}};
insert into day_log (campaign, unit, day, changes)
    select campaign, unit, (received_at_ms + 25200000) / 86400000, count(*)
    from change where note <> 'opening list'
    group by campaign, unit, (received_at_ms + 25200000) / 86400000;
