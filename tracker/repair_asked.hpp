#pragma once

#include <optional>
#include <variant>

#include "messages/inside_tracker.hpp"

namespace tutti {

/// What one follower has asked for of the logs. Decides what is read next. Owns the follower's credit.
///
/// Rules:
/// - One read at a time. What is being read is what a new pull asks for, unless the follower lost some of what it had: a
///   read that is thrown away is a second one, and whoever asks faster than the disk reads would get nothing.
class PullAsked {
 public:
  /// True: read() is to follow.
  bool pulled(const Pull& pull);
  /// What to read of logs that are held up to `held`.
  ReadLog read(Ticket ticket, const VersionVector& held);
  struct Given {
    std::variant<Ops, LogTruncated> what;
    bool goes_on = false;  ///< read() is to follow
  };
  /// What was read: what to send, if anything.
  std::optional<Given> given(const LogRead& read, const VersionVector& held);

 private:
  VersionVector have_;
  std::uint32_t credit_ = 0;
  Ticket reading_;  // 0: nothing
};

/// What one follower has asked for of the rows. Decides what is read next. Owns the follower's credit. One page is read
/// at a time, and the next one once that was sent, so that commits come between them.
class RowsAsked {
 public:
  /// True: read() is to follow.
  bool asked(const AskRows& ask);
  bool asked(const MoreRows& more);
  ReadRows read(Ticket ticket);
  struct Given {
    SnapshotRows rows;
    bool goes_on = false;  ///< read() is to follow
  };
  std::optional<Given> given(const RowsRead& read);

 private:
  bool may_read() const { return !is_over_ && credit_ > 0 && reading_.value == 0; }

  std::uint64_t snapshot_ = 0;
  Bytes buckets_;
  Bytes after_;
  std::uint32_t credit_ = 0;
  bool is_over_ = true;
  Ticket reading_;  // 0: nothing
};

}  // namespace tutti
