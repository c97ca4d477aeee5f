//! Stable names of everything that can be refused, held or quarantined, and what to change.
//!
//! A name is published here once and never reused for something else: clients branch on it and
//! people search for it. The texts may be reworded.

/// One published problem: its stable name and what a person can do, in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    /// Stable name, kebab case.
    pub name: &'static str,
    /// What is wrong and what to change, in Vietnamese.
    pub vi: &'static str,
    /// The same in English.
    pub en: &'static str,
}

macro_rules! problems {
    ($($id:ident = $name:literal, $vi:literal, $en:literal;)*) => {
        $(
            #[doc = $en]
            pub const $id: Problem = Problem { name: $name, vi: $vi, en: $en };
        )*
        /// Every published problem, in the order of this file.
        pub const ALL: &[Problem] = &[$($id),*];
    };
}

problems! {
    UNAUTHENTICATED = "unauthenticated", "Chưa đăng nhập hoặc phiên đã hết hạn. Hãy đăng nhập lại.", "Not signed in, or the session has ended. Sign in again.";
    SIGN_IN_FAILED = "sign-in-failed", "Tên đăng nhập hoặc mật khẩu không đúng.", "The name or the password is not right.";
    TOKEN_REFUSED = "token-refused", "Mã truy cập không hợp lệ cho việc này. Hãy đăng nhập lại.", "The token is not valid for this. Sign in again.";
    FORBIDDEN = "forbidden", "Tài khoản này không được làm việc đó ở đơn vị này.", "This account may not do that in this unit.";
    NOT_FOUND = "not-found", "Không tìm thấy, hoặc không thuộc phạm vi của tài khoản.", "Not found, or outside the account's scope.";
    METHOD_NOT_ALLOWED = "method-not-allowed", "Địa chỉ này không nhận phương thức đó.", "This address does not take that method.";
    BODY_MALFORMED = "body-malformed", "Nội dung gửi lên không đọc được. Kiểm tra định dạng.", "The body cannot be read. Check its format.";
    BODY_TOO_LARGE = "body-too-large", "Nội dung gửi lên quá lớn. Hãy chia nhỏ.", "The body is too large. Send it in smaller parts.";
    QUERY_MALFORMED = "query-malformed", "Tham số trên địa chỉ không đúng.", "A parameter in the address is not right.";
    ACCOUNT_EXISTS = "account-exists", "Tên tài khoản đã có. Chọn tên khác.", "The account name is taken. Choose another.";
    CODE_REFUSED = "code-refused", "Mã ghép thiết bị sai, đã dùng hoặc quá hạn. Xin cán bộ xã mã mới.", "The enrolment code is wrong, used or expired. Ask the officer for a new one.";
    DEVICE_REVOKED = "device-revoked", "Thiết bị đã bị thu hồi. Phần đã gửi được giữ lại chờ xem xét.", "The device was revoked. What it sent is held for review.";
    DEVICE_UNKNOWN = "device-unknown", "Thiết bị ký không có trong hệ thống.", "The signing device is not known.";
    CAMPAIGN_UNKNOWN = "campaign-unknown", "Không có đợt rà soát này.", "There is no such campaign.";
    CAMPAIGN_CLOSED = "campaign-closed", "Đợt rà soát đã đóng, không nạp thêm gì. Thay đổi từ thiết bị được giữ lại chờ xem xét.", "The campaign is closed: nothing more is loaded. Changes from devices are held for review.";
    FRAME_MALFORMED = "frame-malformed", "Gói dữ liệu không đọc được. Cập nhật ứng dụng rồi gửi lại.", "The frame cannot be read. Update the app and send it again.";
    FRAME_VERSION = "frame-version", "Phiên bản gói dữ liệu chưa được hỗ trợ. Cập nhật ứng dụng.", "The frame version is not supported. Update the app.";
    CURSOR_MALFORMED = "cursor-malformed", "Dấu mốc đồng bộ không đọc được. Gửi lại với dấu mốc rỗng.", "The cursor cannot be read. Sync again with an empty one.";
    BATCH_TOO_LARGE = "batch-too-large", "Gói có quá nhiều thay đổi. Hãy chia nhỏ.", "The batch holds too many changes. Send smaller ones.";
    MANIFEST_MALFORMED = "manifest-malformed", "Bảng kê của gói không đọc được hoặc không khớp với các thay đổi.", "The manifest cannot be read or does not match its changes.";
    SIGNATURE_REFUSED = "signature-refused", "Chữ ký của thiết bị không đúng với bảng kê.", "The device's signature does not fit the manifest.";
    CHANGE_TOO_LARGE = "change-too-large", "Một thay đổi vượt giới hạn kích thước.", "A change is over the size limit.";
    CHANGE_MALFORMED = "change-malformed", "Một thay đổi bị hỏng; đã giữ nguyên để kiểm tra.", "A change is damaged; its bytes are kept for inspection.";
    CHANGE_HASH_MISMATCH = "change-hash-mismatch", "Thay đổi không khớp với bảng kê đã ký.", "The change does not match the signed manifest.";
    CHANGE_KIND_REFUSED = "change-kind-refused", "Loại dữ liệu này không được nhận từ thiết bị.", "This kind of chunk is not taken from devices.";
    CHANGE_DEPENDENCIES = "change-dependencies", "Thay đổi dựa trên quá nhiều thay đổi khác.", "The change builds on too many others.";
    CHANGE_ACTOR = "change-actor", "Mã người viết của thay đổi không hợp lệ.", "The change's actor is not valid.";
    CHANGE_BROKEN = "change-broken", "Thay đổi không áp dụng được vào hồ sơ; đã giữ nguyên để kiểm tra.", "The change cannot be applied to its document; its bytes are kept.";
    CHANGE_UNMERGEABLE = "change-unmergeable", "Không gộp được thay đổi này: quá trình gộp bị dừng hoặc quá lâu. Đã giữ nguyên để kiểm tra; hồ sơ được gộp không có nó.", "Merging this change failed or took too long. Its bytes are kept for inspection; the household is merged without it.";
    DOCUMENT_BROKEN = "document-broken", "Hồ sơ của hộ này hiện không gộp được. Báo người vận hành.", "The household's changes cannot be merged at present. Tell the operator.";
    OPERATIONS_AHEAD = "operations-ahead", "Số thứ tự thao tác của thay đổi nhảy quá xa so với phần trước; đã giữ nguyên để kiểm tra.", "The change numbers its operations too far beyond those it builds on; its bytes are kept.";
    DOCUMENT_FOREIGN = "document-foreign", "Hồ sơ không thuộc danh sách và không được khai là hộ mới.", "The document is neither listed nor declared as a new household.";
    DOCUMENT_TOO_LARGE = "document-too-large", "Hồ sơ hộ đã vượt giới hạn kích thước.", "The household's document is over its size limit.";
    HAMLET_UNKNOWN = "hamlet-unknown", "Không có thôn này trong đợt rà soát.", "There is no such hamlet in the campaign.";
    HAMLET_NOT_ASSIGNED = "hamlet-not-assigned", "Rà soát viên chưa từng được giao thôn này. Thay đổi được giữ lại chờ xem xét.", "The hamlet was never assigned to this enumerator. The change is held for review.";
    LIST_FROZEN = "list-frozen", "Danh sách đã chốt. Thay đổi đến sau được giữ lại và ghi là đến muộn.", "The list is frozen. What came after is kept and listed as late.";
    SCHEMA_NEWER = "schema-newer", "Ứng dụng dùng biểu mẫu mới hơn máy chủ. Thay đổi được giữ lại.", "The app uses a newer form than the server. The change is held.";
    ACTOR_FORKED = "actor-forked", "Hai thay đổi khác nhau mang cùng số thứ tự của một máy (máy bị sao chép hoặc khôi phục).", "Two different changes carry one sequence number of one device (copied or restored phone).";
    ACTOR_FOREIGN = "actor-foreign", "Thay đổi không có chữ ký và mang tên người viết của máy khác; được giữ lại cho đến khi chính máy đó gửi, hoặc chờ xem xét.", "The change came without a signature, under another device's actor; it is held until that device brings it, or for review.";
    TICKET_EXPIRED = "ticket-expired", "Vé kết nối đã hết hạn. Ứng dụng xin vé mới rồi kết nối lại.", "The ticket has expired. The app asks for a new one and connects again.";
    TICKET_REFUSED = "ticket-refused", "Vé kết nối không đúng, hoặc đã được thiết bị khác dùng. Xin vé mới.", "The ticket is not known, or another peer uses it. Ask for a new one.";
    UPGRADE_NEEDED = "upgrade-needed", "Địa chỉ này chỉ nhận kết nối WebSocket.", "This address takes WebSocket connections only.";
    REPO_MESSAGE = "repo-message-malformed", "Thông điệp đồng bộ không đọc được. Cập nhật ứng dụng rồi kết nối lại.", "A sync message cannot be read. Update the app and connect again.";
    REPO_SENDER = "repo-sender-other", "Thông điệp mang tên người gửi khác với lúc kết nối.", "A message names another sender than the one that joined.";
    REPO_VERSION = "repo-version", "Phiên bản giao thức đồng bộ chưa được hỗ trợ. Cập nhật ứng dụng.", "The version of the sync protocol is not supported. Update the app.";
    REPO_REPLACED = "repo-replaced", "Thiết bị đã kết nối lại bằng đường khác; kết nối này kết thúc.", "The device has connected again; this connection ends.";
    REPO_DOCUMENTS = "repo-too-many-documents", "Một kết nối mở quá nhiều hồ sơ.", "One connection has too many documents open.";
    CHANGE_LEFT_OUT = "change-left-out", "Cán bộ xã đã xem và quyết định không đưa thay đổi này vào hồ sơ.", "An officer looked at the change and decided to leave it out.";
    BRANCHES_TOO_MANY = "branches-too-many", "Hồ sơ đã có quá nhiều bản sửa song song chưa được nối lại; thay đổi được giữ lại chờ xem xét. Đồng bộ rồi ghi tiếp.", "The household has too many versions side by side that nobody has joined; the change is held for review. Sync, then write on.";
    ANCESTOR_HELD = "ancestor-held", "Thay đổi dựa trên một thay đổi đang được giữ lại.", "The change builds on one that is held.";
    ANCESTOR_MISSING = "ancestor-missing", "Phần trước mà thay đổi này dựa vào không đến trong thời hạn; được giữ lại chờ xem xét.", "A change this one builds on has not come in time; it is held for review.";
    WAITING_TOO_MANY = "waiting-too-many", "Quá nhiều thay đổi đang chờ phần trước; thay đổi này được giữ lại chờ xem xét.", "Too many changes wait for earlier ones; this one is held for review.";
    HOUSEHOLD_KEY = "household-key-malformed", "Khóa của hộ mới phải là 32 chữ số thập lục phân.", "The key of a new household is 32 hexadecimal digits.";
    HOUSEHOLD_UNKNOWN = "household-unknown", "Không có hộ này trong phạm vi của tài khoản.", "There is no such household in the account's scope.";
    HEADS_UNKNOWN = "heads-unknown", "Phiên bản hồ sơ được nêu không có. Tải lại hồ sơ.", "The version named is not known. Load the household again.";
    SETTLE_UNREADABLE = "settle-unreadable", "Mục hoặc giá trị không đúng với biểu mẫu.", "The field or the value does not fit the form.";
    REASON_MISSING = "reason-missing", "Phải ghi lý do.", "A reason must be given.";
    LIST_HAS_DISPUTES = "list-has-disputes", "Còn thông tin chưa thống nhất. Giải quyết từng hộ rồi nộp lại.", "Disputes are open. Settle each household, then submit again.";
    LIST_HAS_MISSING_OUTCOMES = "list-has-missing-outcomes", "Còn hộ chưa có kết quả rà soát.", "Some households have no outcome yet.";
    LIST_HAS_UNCLASSIFIED = "list-has-unclassified", "Còn hộ chưa đủ căn cứ phân loại.", "Some households cannot be classified yet.";
    LIST_DEVICES_SILENT = "list-devices-silent", "Còn thiết bị được giao việc mà chưa gửi hết. Chờ thiết bị đồng bộ hoặc lập biên bản miễn.", "Devices with assigned work have not checked in. Wait for them or waive each by name.";
    LIST_ROOT_STALE = "list-root-stale", "Mã kiểm chứng không còn hiện hành. Tải lại danh sách rồi quyết định.", "The root named is not the current one. Load the list again, then decide.";
    LIST_STATE = "list-state", "Danh sách đang ở bước khác; không làm được việc này.", "The list is at another step; this cannot be done now.";
    LIST_OWN_WORK = "list-own-work", "Người nộp danh sách không được tự phê duyệt.", "Who submitted the list may not approve it.";
    LIST_HAS_ASIDE = "list-has-aside", "Còn thay đổi đang chờ hoặc được giữ lại. Xem từng thay đổi: đưa vào hoặc để ngoài.", "Changes are waiting or held. Look at each: let it in or leave it out.";
    LIST_COUNTS_MISSING = "list-counts-missing", "Số hộ, nhân khẩu của thôn chưa có hoặc nhỏ hơn số hộ nghèo, cận nghèo.", "A hamlet's registered counts are missing, or smaller than its poor and near-poor households.";
    DECISION_INCOMPLETE = "decision-incomplete", "Phải ghi số, ngày và người ký văn bản.", "The document's number, date and signer must be given.";
    IMPORT_COLUMNS = "import-columns", "Thiếu hoặc sai tên cột trong tệp.", "Columns are missing or misnamed in the file.";
    IMPORT_ROWS = "import-rows", "Có dòng sai; các dòng đúng được giữ riêng.", "Some rows are wrong; the good ones are kept apart.";
    IMPORT_AFTER_WORK = "import-after-work", "Danh sách của đơn vị đã qua bước nhập.", "The unit's list is past the step of import.";
    FILE_KIND = "file-kind", "Tệp không phải bảng tính XLSX hoặc CSV, hoặc có đặt mật khẩu. Mở tệp, chọn Lưu thành “Excel Workbook (.xlsx)” không mật khẩu rồi gửi lại.", "The file is no XLSX or CSV table, or it has a password. Open it, save it as “Excel Workbook (.xlsx)” without a password, and send it again.";
    FILE_ENCODING = "file-encoding", "Tệp CSV không phải bảng mã UTF-8. Mở tệp, chọn Lưu thành “CSV UTF-8” (hoặc XLSX) rồi gửi lại.", "The CSV file is not in UTF-8. Open it, save it as “CSV UTF-8” (or XLSX), and send it again.";
    FILE_DAMAGED = "file-damaged", "Tệp XLSX bị hỏng, không đọc được. Mở lại trong phần mềm bảng tính, lưu thành tệp mới rồi gửi.", "The XLSX file is damaged and cannot be read. Open it in a spreadsheet program, save it as a new file, and send that.";
    FILE_INFLATES = "file-inflates", "Nội dung tệp XLSX lớn quá mức cho phép. Xóa các trang, hình và định dạng thừa, hoặc chia tệp ra.", "The XLSX file holds more than is allowed. Delete sheets, pictures and formats that are not needed, or split the file.";
    LAYOUT_REFUSED = "layout-refused", "Mẫu cột có chỗ chưa đúng. Sửa từng dòng được nêu.", "The column layout has mistakes. Correct each line that is named.";
    TABLE_REFUSED = "table-refused", "Bảng điểm không hợp lệ.", "The score table is not valid.";
    STANDARD_UNKNOWN = "standard-unknown", "Không có bộ chuẩn này.", "There is no such standard.";
    UNIT_UNKNOWN = "unit-unknown", "Không có đơn vị này vào ngày rà soát.", "There is no such unit on the review date.";
    TOO_MANY = "too-many", "Thiết bị hoặc xã này vừa gửi quá nhiều. Hãy gửi lại sau thời gian máy chủ báo (Retry-After).", "This device or its unit sent too much at once. Send again after the time the server gives (Retry-After).";
    TOO_BUSY = "too-busy", "Máy chủ đang bận. Thử lại sau ít phút.", "The server is busy. Try again in a few minutes.";
    STORE_BUSY = "store-busy", "Kho dữ liệu đang bận. Thử lại sau.", "The store is busy. Try again.";
    STORE_FAILED = "store-failed", "Lỗi phía máy chủ; chưa có gì được ghi. Báo người vận hành.", "A failure on the server's side; nothing was written. Tell the operator.";
    REGION_UNKNOWN = "region-unknown", "Bảng điểm không có cột nông thôn của vùng này.", "No score table has a rural column of this region.";
    STANDARD_NOT_IN_FORCE = "standard-not-in-force", "Ngày rà soát nằm ngoài thời gian áp dụng của bộ chuẩn.", "The standard is not in force on the review date.";
    TOO_SLOW = "too-slow", "Yêu cầu mất quá nhiều thời gian. Gửi lại, hoặc chia thành phần nhỏ hơn.", "The request took too long. Send it again, or in smaller parts.";
    ENCODING_UNSUPPORTED = "encoding-unsupported", "Máy chủ không nhận nội dung nén (Content-Encoding). Gửi nội dung nguyên dạng.", "The server takes no compressed body (Content-Encoding). Send it as it is.";
    TYPED_BY_UNKNOWN = "typed-by-unknown", "Người nhập ghi trong gói chưa từng được gắn với thiết bị này. Thay đổi được giữ lại chờ xem xét.", "The person named as typing was never bound to this device. The change is held for review.";
    PERSON_DISABLED = "person-disabled", "Tài khoản của người nhập đã bị khóa. Phần đến sau được giữ lại chờ xem xét.", "The account of the person who typed was closed. What came after is held for review.";
    REFRESH_UNSIGNED = "refresh-unsigned", "Thiết bị phải ký yêu cầu gia hạn bằng khóa của mình. Cập nhật ứng dụng.", "A device signs the renewal of its tokens with its own key. Update the app.";
    DEVICE_NEEDED = "device-needed", "Việc này chỉ làm được trên thiết bị đã ghép.", "This is done on an enrolled device.";
    REPORT_INCOMPLETE = "report-incomplete", "Chưa đủ danh sách đã công nhận nên chưa có số liệu chính thức. Xem các xã còn thiếu, hoặc dùng số liệu sơ bộ.", "Not every list is recognised, so there are no official figures yet. See which are missing, or use a preliminary report.";
    REPORT_NOT_CLOSED = "report-not-closed", "Biến động không khớp: số cuối kỳ tính từ biến động khác với số đếm trong danh sách. Xem chênh lệch từng đơn vị.", "The flows do not close: what they come to is not what was counted on the lists. See the difference of each unit.";
    PRELIMINARY_NUMBER = "preliminary-number", "Đã có số liệu sơ bộ mang số này, hoặc số không liền tiếp. Tải lại trang rồi làm lại.", "A preliminary report has this number already, or the number is not the next one. Load the page again.";
    COLUMN_NOT_POSTED = "column-not-posted", "Danh sách niêm yết không được có cột này.", "A posted list may not have this column.";
    CODE_CLOSED = "code-closed", "Mã đã dùng, đã rút hoặc quá hạn. Tạo mã mới.", "The code was used, withdrawn or has expired. Make a new one.";
    HOUSEHOLD_MOVED = "household-moved", "Có người đã ghi vào hồ sơ của hộ này sau khi trang được mở. Xem phần đã thay đổi rồi quyết định.", "Somebody wrote to this household after it was shown. See what changed, then decide.";
    FOUR_EYES_MISSING = "four-eyes-missing", "Có quyết định chưa có người thứ hai xem. Để người khác trình danh sách, hoặc ghi người ký xác nhận của Ban Chỉ đạo.", "A decision was seen by one person alone. Let somebody else submit the list, or record who of the steering committee has countersigned.";
    COUNTERSIGN_REFUSED = "countersign-refused", "Phải ghi họ tên, chức vụ của thành viên Ban Chỉ đạo khác với người đã quyết định, và các quyết định như danh sách đang có.", "Name and title of a member of the steering committee are needed, another person than who decided, and decisions as they are listed.";
    PAPER_MISFITS = "paper-misfits", "Có ô chưa đúng. Sửa các ô được chỉ ra rồi ghi lại; chưa có gì được ghi.", "Some fields cannot be read. Change them and send the form again; nothing was written.";
    PAPER_EMPTY = "paper-empty", "Chưa nhập gì. Ghi câu trả lời, hoặc đánh dấu các phần đã hỏi.", "Nothing was typed. Type an answer, or mark the blocks that were asked.";
    PAPER_MISSING = "paper-missing", "Hộ này chưa có phiếu giấy nào được nhập, nên không có gì để nhập lần hai.", "No paper form of this household was typed, so there is nothing to type a second time.";
    SECOND_ENTRY_OWN = "second-entry-own", "Người đã nhập lần một không được nhập lần hai. Người khác phải nhập.", "Who typed the form first may not type it a second time. Somebody else must.";
    SECOND_ENTRY_DONE = "second-entry-done", "Phiếu này đã được nhập lần hai.", "The form was typed a second time already.";
    SAMPLE_SIZE = "sample-size", "Cỡ mẫu phải từ 1 hộ đến tất cả số hộ của danh sách, hoặc từ 1 đến 100 %.", "A sample is one household to all of the list, or 1 to 100 per cent.";
    SAMPLE_SEED = "sample-seed", "Mã gieo gồm 6 đến 64 chữ cái không dấu, chữ số hoặc dấu gạch nối.", "A seed is 6 to 64 letters without marks, digits and dashes.";
    SAMPLE_DRAWN = "sample-drawn", "Danh sách này đã rút mẫu; mỗi danh sách chỉ rút mẫu một lần.", "A sample was drawn from this list; there is one for each list.";
    SAMPLE_FINDING = "sample-finding", "Kết quả khác phân loại phải ghi một phân loại khác với danh sách.", "A finding of another class names a class that the list does not have.";
    HOUSEHOLD_NOT_LISTED = "household-not-listed", "Hộ này không có trong danh sách đã chốt hoặc trong mẫu.", "The household is not on the frozen list, or not in the sample.";
    HOUSEHOLD_HAS_OUTCOME = "household-has-outcome", "Hộ đã có kết quả rà soát: sửa kết quả thăm hộ, không phải việc của Ban Chỉ đạo.", "The household has an outcome: correct that; there is nothing for the committee to decide.";
    NO_CLASS_TO_KEEP = "no-class-to-keep", "Hộ không có trong danh sách đầu kỳ nên không có diện để giữ.", "The household was on no list, so there is no class to keep.";
    KIN_ITSELF = "kin-itself", "Hộ không thể tách từ chính mình hoặc nhập vào chính mình.", "A household cannot split from itself or join itself.";
    KIN_UNKNOWN = "kin-unknown", "Không có hộ được nêu trong đợt rà soát này, ở phạm vi của tài khoản. Kiểm tra mã hộ.", "The household named is not in this campaign, within the account's scope. Check its code.";
    KIN_CIRCLE = "kin-circle", "Các liên kết tách, nhập hộ tạo thành vòng. Bỏ liên kết sai trước.", "These links of splits and joins go round in a circle. Undo the wrong one first.";
    KIN_TOO_LATE = "kin-too-late", "Ngày tách, nhập hộ sau ngày rà soát.", "The day of the split or join is after the review.";
    NOTHING_TO_UNDO = "nothing-to-undo", "Chưa có quyết định nào về hộ này để bỏ.", "Nothing was decided about the household that could be undone.";
    HANDOVER_SAME_UNIT = "handover-same-unit", "Hộ đang ở xã này: chọn xã khác mà hộ chuyển đến.", "The household is in that commune: name another one that it goes to.";
    HANDOVER_DAY = "handover-day", "Ngày chuyển phải từ ngày danh sách đầu kỳ đến ngày rà soát.", "The day of the move must be between the day of the opening list and that of the review.";
    HANDOVER_OPEN = "handover-open", "Hộ đang được bàn giao và chờ nơi đến ghi. Rút lại trước, rồi bàn giao lại.", "The household is being handed over and waits for the other commune. Withdraw that first, then hand it over again.";
    HANDOVER_NONE = "handover-none", "Hộ này hiện không được bàn giao: đã rút lại, đã tiếp nhận hoặc không tiếp nhận.", "The household is not being handed over now: that was withdrawn, taken or declined.";
    HANDOVER_STALE = "handover-stale", "Đã có người ghi thêm về việc chuyển hộ này sau khi trang được mở. Tải lại trang, xem rồi quyết định.", "Somebody has said more about this household's move since it was shown. Load the page again, then decide.";
    HANDOVER_ALONE = "handover-alone", "Đợt rà soát yêu cầu hai người: người đã bàn giao không được tự tiếp nhận. Để người khác tiếp nhận.", "The campaign asks for two people: who handed it over may not take it. Let somebody else take it.";
    REGISTER_OWN = "register-own", "Đợt rà soát này mở sổ quản lý riêng nên không có danh sách trước để lấy.", "This campaign begins its own register: there is no list before it to take.";
    REGISTER_GOES_ON = "register-goes-on", "Đợt rà soát này tiếp nối sổ quản lý: danh sách đầu kỳ lấy từ sổ, không nhập từ tệp.", "This campaign goes on with a register: its opening list is taken from there, not from a file.";
    COMMENT_TEXT = "comment-text", "Phải ghi nội dung, nhiều nhất 2.000 ký tự.", "A text is needed, of at most 2,000 characters.";
    COMMENT_UNKNOWN = "comment-unknown", "Không có ý kiến này ở đơn vị.", "There is no such comment in the unit.";
    SCAN_KIND = "scan-kind", "Chỉ nhận bản quét dạng PDF, JPEG hoặc PNG.", "A scan is a PDF, a JPEG or a PNG.";
    SCAN_TOO_LARGE = "scan-too-large", "Bản quét lớn hơn 10 MB. Quét lại đen trắng hoặc ở độ phân giải thấp hơn.", "The scan is larger than 10 MB. Scan it in black and white, or coarser.";
    SCAN_UNKNOWN = "scan-unknown", "Bản quét được nêu chưa có ở đơn vị này. Hãy chọn lại tệp.", "The scan named is not kept in this unit. Choose the file again.";
    DEADLINE_REFUSED = "deadline-refused", "Thời hạn từ 1 đến 90 ngày làm việc, kèm căn cứ; ngày nghỉ viết YYYY-MM-DD.", "A deadline is 1 to 90 working days with its source; holidays are written YYYY-MM-DD.";
    TABLE_OWN_WORK = "table-own-work", "Người nạp bảng điểm không được tự xác nhận. Cần một tài khoản khác của tỉnh.", "Who loaded the score table may not confirm it. Another account of the province does.";
    TABLE_STALE = "table-stale", "Bảng điểm đang chờ xác nhận là bảng khác. Xem phần thay đổi rồi quyết định.", "Another score table is waiting now. Look at what changed, then decide.";
    TABLE_NOT_PENDING = "table-not-pending", "Không có bảng điểm nào đang chờ xác nhận.", "No score table is waiting to be confirmed.";
    TARGET_STALE = "target-stale", "Chỉ tiêu vừa được người khác ghi. Xem lại rồi ghi.", "Somebody has entered this target meanwhile. Look at it, then decide.";
    TARGET_UNREADABLE = "target-unreadable", "Chỉ tiêu là số điểm phần trăm từ 0 đến 100, nhiều nhất hai chữ số thập phân, kèm số, ngày và cơ quan ban hành văn bản.", "A target is 0 to 100 percentage points with at most two decimals, and the number, date and issuer of its document.";
    PASSWORD_OWN = "password-own", "Mật khẩu dùng một lần đã dùng. Hãy đặt mật khẩu của mình trước.", "You signed in with a one-time password. Choose your own first.";
    PASSWORD_SHORT = "password-short", "Mật khẩu quá ngắn hoặc quá dài.", "The password is too short or too long.";
    PASSWORD_DIFFERS = "password-differs", "Hai lần nhập mật khẩu không giống nhau.", "The two passwords are not the same.";
    PASSWORD_NONE = "password-none", "Rà soát viên không dùng mật khẩu. Hãy cấp mã ghép thiết bị.", "Enumerators have no password. Make an enrolment code.";
    ACCOUNT_OWN = "account-own", "Không làm việc này với chính tài khoản của mình.", "This is not done to your own account.";
    SAMPLE_FINDING_MOVED = "sample-finding-moved", "Có người đã ghi kết quả khác cho hộ được nêu sau khi trang được mở; kết quả đó được giữ nguyên. Xem lại rồi ghi.", "Somebody wrote another finding of the households named after they were shown; it stands. Look at it, then decide.";
    SAMPLE_FINDING_MISSING = "sample-finding-missing", "Chọn kết quả kiểm tra của hộ được nêu: ghi chú phải kèm kết quả, và kết quả đã ghi không bỏ trống lại được.", "Choose a finding for the households named: a note goes with one, and one that was written is not taken back.";
    SECOND_ENTRY_SETTLED = "second-entry-settled", "Chỗ khác nhau này đã được kết luận. Nếu kết luận sai, sửa trên hồ sơ của hộ.", "This difference is settled already. If that was wrong, change it on the household's own page.";
    SECOND_ENTRY_HOUSEHOLD = "second-entry-household", "Hồ sơ của hộ đang ghi khác giá trị này. Sửa trên phiếu giấy của hộ trước, rồi kết luận.", "The household says otherwise. Put it right on its paper form first, then settle the difference.";
    MERGE_ITSELF = "merge-itself", "Không gộp một hộ với chính hộ đó.", "A household is not merged into itself.";
    MERGE_CHAIN = "merge-chain", "Một trong hai hộ đã được gộp. Bỏ gộp trước, rồi gộp lại từ các hồ sơ gốc.", "One of the households was merged already. Undo that first, then merge the original ones.";
    MERGE_TOO_MANY = "merge-too-many", "Nhiều nhất 8 hồ sơ được gộp vào một hộ.", "At most 8 households are merged into one.";
    MERGE_OTHER_UNIT = "merge-other-unit", "Hai hộ thuộc hai xã. Chỉ gộp hộ trong cùng một xã; đề nghị cấp trên kiểm tra.", "The households are of two communes. Only households of one commune are merged; ask the level above.";
    MERGE_MEMBERS = "merge-members", "Thành viên được ghép không có trong hộ, hoặc được ghép hai lần.", "A member who was matched is not in the household, or was matched twice.";
    MERGE_CHOICE = "merge-choice", "Câu trả lời được chọn không phải của hộ nào, hoặc hồ sơ đã thay đổi sau khi trang được mở. Xem lại rồi chọn.", "What was chosen is neither household's answer, or they changed since they were shown. Look again, then choose.";
    PAPER_DATE = "paper-date", "Ngày của văn bản phải từ ngày danh sách đầu kỳ đến hôm nay.", "The paper's date must be between the day of the opening list and today.";
    MERGE_LISTED = "merge-listed", "Hộ có trong danh sách đầu kỳ phải là hộ được giữ lại. Mở cặp này theo chiều ngược lại rồi gộp.", "A household of the opening list must be the one that stays. Open this pair the other way round, then merge.";
    MERGE_NONE = "merge-none", "Hai hộ này hiện không được gộp.", "These households are not merged now.";
    COURIER_EMPTY = "courier-empty", "Tệp này không phải tệp chuyển tay .rasoat, hoặc rỗng. Chọn lại tệp do máy điều tra xuất ra; nếu gửi qua ứng dụng nhắn tin, gửi dưới dạng tệp đính kèm.", "This is no courier file (.rasoat), or it is empty. Choose the file that the phone exported; through a messenger, send it as a file.";
    COURIER_OTHER_SERVER = "courier-other-server", "Phần này được niêm phong cho máy chủ khác, hoặc cho khóa cũ của máy chủ này. Chuyển tệp đến đúng máy chủ, hoặc xuất lại tệp trên máy.", "This piece is sealed to another server, or to an old key of this one. Take the file to the right server, or export it again on the phone.";
    COURIER_VERSION = "courier-version", "Phần này theo phiên bản tệp mà máy chủ chưa đọc được. Nâng cấp máy chủ.", "This piece is of a version of the file that the server does not read. Upgrade the server.";
    COURIER_PIECE_CUT = "courier-piece-cut", "Phần này bị cắt ngắn, hoặc ghi sai độ dài. Chép lại tệp hoặc xuất lại trên máy; những phần nguyên vẹn đã được nhận.", "This piece was cut short, or lies about its length. Copy the file again, or export it again; what was whole has been taken.";
    COURIER_PIECE_DAMAGED = "courier-piece-damaged", "Phần này bị hỏng trên đường chuyển. Chép lại tệp hoặc xuất lại trên máy; những phần nguyên vẹn đã được nhận.", "This piece was damaged on its way. Copy the file again, or export it again; what was whole has been taken.";
    COURIER_PIECE_TOO_LARGE = "courier-piece-too-large", "Phần này lớn hơn mức cho phép, khi gửi hoặc khi giải nén. Xuất lại tệp bằng ứng dụng của dự án.", "This piece is larger than is allowed, as it is or unpacked. Export the file again with a sound app.";
    COURIER_STRAY = "courier-stray", "Có dữ liệu lạ giữa các phần của tệp; phần đó bị bỏ qua.", "There are bytes between the pieces that belong to none; they were passed over.";
    SCANS_TOO_MANY = "scans-too-many", "Đơn vị đã có quá nhiều bản quét loại này. Gộp các trang vào một tệp, hoặc báo người vận hành.", "The unit has too many scans of this kind. Put the pages into one file, or tell the operator.";
}

/// Finds a published problem by its stable name.
pub fn by_name(name: &str) -> Option<&'static Problem> {
    ALL.iter().find(|problem| problem.name == name)
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_unique_and_kebab_case() {
        let mut seen = std::collections::BTreeSet::new();
        for problem in super::ALL {
            assert!(seen.insert(problem.name), "{} twice", problem.name);
            assert!(problem.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'));
            assert!(!problem.vi.is_empty() && !problem.en.is_empty());
        }
    }
}
