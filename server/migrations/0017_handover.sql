-- Households that move to another commune of the province during a review.

-- Where it was when the opening list was loaded; '' while that is where it is.
alter table household add column opening_unit text not null default '';
alter table household add column opening_hamlet text not null default '';
create index household_opening on household (campaign, opening_unit) where opening_unit <> '';

-- Append-only log of what the two communes said; of each household the newest holds.
create table household_move (
    campaign    {{blob}} not null references campaign (id),
    document    {{blob}} not null references household (document),
    position    {{int}}  not null,       -- from 1 in a household, no gaps
    kind        text     not null check (kind in ('offer', 'withdraw', 'decline', 'accept', 'undo')),
    from_unit   text     not null,       -- where it was when it was offered
    from_hamlet text     not null,
    to_unit     text     not null,
    act         text     not null,       -- JSON, see shared/src/handover.rs
    left_unit   text     not null,       -- unit and hamlet that it left by this; '' where by none
    left_hamlet text     not null,
    left_at     {{int}}  not null,       -- position in that unit's log, which it takes for itself
    account     {{blob}} not null references account (id),
    at_ms       {{int}}  not null,
    primary key (campaign, document, position)
){{strict}};
create index household_move_from on household_move (campaign, from_unit);
create index household_move_to on household_move (campaign, to_unit);
create index household_move_left on household_move (campaign, left_unit, left_at);
