-- Countersignatures of what an office decided in households, and whether a campaign asks for them.
-- Both are appended to and never edited or removed.

create table countersignature (
    campaign {{blob}} not null references campaign (id),
    unit     text     not null,
    document {{blob}} not null,
    hash     {{blob}} not null,          -- the decision: a change written in the office
    member   text     not null,          -- name of the member of the steering committee
    title    text     not null,          -- what that person is there
    account  {{blob}} not null references account (id), -- who recorded it
    at_ms    {{int}}  not null,
    primary key (campaign, document, hash)
){{strict}};
create index countersignature_unit on countersignature (campaign, unit);

-- The newest counts.
create table four_eyes (
    campaign {{blob}} not null references campaign (id),
    position {{int}}  not null,          -- from 1 in a campaign, no gaps
    required {{int}}  not null check (required in (0, 1)),
    source   text     not null,          -- where it says so
    account  {{blob}} not null references account (id),
    at_ms    {{int}}  not null,
    primary key (campaign, position)
){{strict}};
