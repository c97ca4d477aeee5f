-- Preliminary reports (số liệu sơ bộ): counts frozen on a day. Rows are added and never changed.
create table preliminary (
    campaign   {{blob}} not null references campaign (id),
    unit       text     not null,    -- unit it was made for, its code read on the review date
    number     {{int}}  not null,    -- from 1, no gaps
    account    {{blob}} not null references account (id),
    made_at_ms {{int}}  not null,
    covered    {{int}}  not null,    -- lists it counts
    due        {{int}}  not null,    -- lists there should be
    digest     {{blob}} not null,    -- SHA-256 of the body
    body       text     not null,    -- JSON: the counts themselves
    primary key (campaign, unit, number)
){{strict}};
