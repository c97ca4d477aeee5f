//! What the tables came to be, step by step.

/// The migrations in order: number, name, text with dialect tokens. Released ones never change.
pub(crate) const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "line", include_str!("../../migrations/0001_line.sql")),
    (2, "snapshot", include_str!("../../migrations/0002_snapshot.sql")),
    (4, "device", include_str!("../../migrations/0004_device.sql")),
    (5, "walk", include_str!("../../migrations/0005_walk.sql")),
    (6, "paper", include_str!("../../migrations/0006_paper.sql")),
    (7, "district", include_str!("../../migrations/0007_district.sql")),
    (8, "preliminary", include_str!("../../migrations/0008_preliminary.sql")),
    (9, "tables", include_str!("../../migrations/0009_tables.sql")),
    (10, "province", include_str!("../../migrations/0010_province.sql")),
    (11, "posted list", include_str!("../../migrations/0011_posted_list.sql")),
    (12, "four eyes", include_str!("../../migrations/0012_four_eyes.sql")),
    (13, "duplicate", include_str!("../../migrations/0013_duplicate.sql")),
    (14, "register", include_str!("../../migrations/0014_register.sql")),
    (15, "marks", include_str!("../../migrations/0015_marks.sql")),
    (16, "repo", include_str!("../../migrations/0016_repo.sql")),
    (17, "handover", include_str!("../../migrations/0017_handover.sql")),
    (18, "courier", include_str!("../../migrations/0018_courier.sql")),
    (19, "moved together", include_str!("../../migrations/0019_moved_together.sql")),
    (20, "signed", include_str!("../../migrations/0020_signed.sql")),
    (21, "moved", include_str!("../../migrations/0021_moved.sql")),
    (22, "beyond", include_str!("../../migrations/0022_beyond.sql")),
];
