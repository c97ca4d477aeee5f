-- What SQLite's planner takes the tables to look like: four yearly campaigns of a province, each as
-- `analyze` found the demonstration at full scale. Without it SQLite believes that a campaign
-- narrows a search down, and walks a whole campaign to find one household or one person's hamlets.
-- `change` is left out: its indexes are chosen rightly without, and with it SQLite would walk the
-- log to build a filter over it. Whatever is changed here needs another `user_version`, here and in
-- backend.rs.
analyze meta;
delete from sqlite_stat1;
insert into sqlite_stat1 (tbl, idx, stat) values
    ('assignment', 'assignment_account', '7504 2 2'),
    ('assignment', 'sqlite_autoindex_assignment_1', '7504 1876 3 1'),
    ('hamlet', 'hamlet_unit', '3064 766 7'),
    ('hamlet', 'sqlite_autoindex_hamlet_1', '3064 766 1'),
    ('household', 'household_code', '116148 29037 1'),
    ('household', 'household_moved', '132000 33000 262 1'),
    ('household', 'household_unit', '132000 33000 262 44'),
    ('household', 'household_walk', '132000 33000 262 1'),
    ('household', 'sqlite_autoindex_household_1', '132000 1'),
    ('household_assignment', 'household_assignment_account', '12000 2 2'),
    ('household_assignment', 'sqlite_autoindex_household_assignment_1', '12000 3000 2 1'),
    ('household_link', 'household_link_kept', '548 1'),
    ('household_link', 'household_link_unit', '548 137 4'),
    ('household_link', 'sqlite_autoindex_household_link_1', '548 1'),
    ('standing', 'sqlite_autoindex_standing_1', '132000 1'),
    ('standing', 'standing_mark', '132000 33000 262 1');
pragma user_version = 3;
analyze sqlite_schema;
