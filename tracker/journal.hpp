#pragma once

#include <memory>
#include <vector>

#include "actors/actor.hpp"
#include "tracker/store.hpp"

namespace tutti {

/// There is more to truncate.
struct TruncateFurther {
  TUTTI_MESSAGE(TruncateFurther, 0x06cb);
};

/// Puts on disk what the directory hands it, and reads back what others ask for. Owns the store.
///
/// Rules:
/// - Blocks for as long as the disk takes, so it has a worker of its own.
/// - Decides nothing. One batch is one transaction; batches are as large as what piled up while the one before was
///   written, so under load many requests share one fsync, and a lone request waits for nobody.
/// - A log is truncated a little at a time, so that commits come between.
class Journal final : public ActorOf<Journal, Joined<JournalRole::Accepts, Messages<TruncateFurther>>> {
 public:
  explicit Journal(std::unique_ptr<Store> store) : store_(std::move(store)) {}

  void on(const CommitBatch& message, Context& context);
  void on(const LoadStore& message, Context& context);
  void on(const LoadMore& message, Context& context);
  void on(const ReadMetainfo& message, Context& context);
  void on(const ReadLog& message, Context& context);
  void on(const ReadRows& message, Context& context);
  void on(const RememberNeighbour& message, Context& context);
  void on(const TruncateLog& message, Context& context);
  void on(const TruncateFurther& message, Context& context);

 private:
  void load_page(ByteView after, StoreLoading page, Context& context);

  std::unique_ptr<Store> store_;
  VersionVector truncating_;
  bool is_truncating_ = false;
};

}  // namespace tutti
