-- What SQLite's planner takes the tables to look like: one campaign of a province, as `analyze`
-- found it in the demonstration at full scale. Without it SQLite believes that a campaign narrows
-- a search down, and walks the whole campaign to find one household or one person's hamlets.
-- Written at every start; `change` is left out, for its indexes are chosen rightly without, and
-- with it SQLite would walk the log to build a filter over it.
analyze meta;
delete from sqlite_stat1;
insert into sqlite_stat1 (tbl, idx, stat) values
    ('assignment', 'assignment_account', '1876 2 2'),
    ('assignment', 'sqlite_autoindex_assignment_1', '1876 1876 3 1'),
    ('hamlet', 'hamlet_unit', '766 766 7'),
    ('hamlet', 'sqlite_autoindex_hamlet_1', '766 766 1'),
    ('household', 'household_code', '29037 29037 1'),
    ('household', 'household_unit', '33000 33000 262 44'),
    ('household', 'household_walk', '33000 33000 262 1'),
    ('household', 'sqlite_autoindex_household_1', '33000 1'),
    ('household_assignment', 'household_assignment_account', '3000 2 2'),
    ('household_assignment', 'sqlite_autoindex_household_assignment_1', '3000 3000 2 1'),
    ('standing', 'sqlite_autoindex_standing_1', '33000 1'),
    ('standing', 'standing_unit', '33000 33000 262');
analyze sqlite_schema;
