-- What moves with a household, what a move ended, and the names under which it was offered.

-- Of an offer: code and head as they were then. The other commune is shown these and nothing newer.
alter table household_move add column code text not null default '';
alter table household_move add column head text not null default '';
-- Null, or the household that it went with, having been merged into it.
alter table household_move add column along {{blob}};
update household_move set code = coalesce((select household.code from household
    where household.document = household_move.document), '') where kind = 'offer';

-- Position (household_move) of the move that ended it; 0 where a person did.
alter table household_assignment add column ended_by {{int}} not null default 0;

create index pair_decision_pair on pair_decision (campaign, one, other, position);
