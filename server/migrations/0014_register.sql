-- The register of poor and near-poor households, and what is decided about a household itself.

-- The campaign whose register this one goes on; null where it begins its own.
alter table campaign add column register {{blob}};

-- Members on the opening list.
alter table household add column opening_members {{int}} not null default 0;

-- Derived from opening lists and recognised lists; `rasoat rebuild` makes it anew.
create table register (
    register {{blob}} not null references campaign (id),  -- campaign that begins it
    unit     text     not null,
    moment   {{int}}  not null,          -- day of the decision as digits, and its place in the unit
    campaign {{blob}} not null,          -- campaign of the decision
    whole    {{int}}  not null check (whole in (0, 1)),  -- nothing older counts after it
    bytes    {{blob}} not null,          -- what it says, see shared/src/register/bytes.rs
    primary key (register, unit, moment)
){{strict}};

-- Append-only log of what was decided about households themselves: the newest of a household holds.
create table household_life (
    campaign  {{blob}} not null references campaign (id),
    document  {{blob}} not null,
    position  {{int}}  not null,         -- from 1 in a household, no gaps
    unit      text     not null,
    household {{blob}} not null,
    act       text     not null,         -- JSON, see shared/src/life.rs
    account   {{blob}} not null references account (id),
    at_ms     {{int}}  not null,
    primary key (campaign, document, position)
){{strict}};
create index household_life_unit on household_life (campaign, unit);
