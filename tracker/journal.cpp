#include "tracker/journal.hpp"

#include "actors/log.hpp"
#include "messages/codec.hpp"
#include "messages/codec_impl.hpp"
#include "tracker/version_vector.hpp"

namespace tutti {

template struct Codec<TruncateFurther>;

namespace {

// Pages of the own start are large: nobody else waits for the directory then.
constexpr ByteCount load_page_bytes = 4_MiB;
constexpr std::chrono::milliseconds truncation_pause{20};

}  // namespace

void Journal::on(const CommitBatch& message, Context& context) {
  const StoreFault fault = store_->commit(message);
  if (fault) {
    context.reply(BatchFailed{message.ticket, fault.code, fault.sentence});
  } else {
    context.reply(BatchCommitted{message.ticket});
  }
}

void Journal::on(const LoadStore&, Context& context) {
  StoreLoading first;
  HeadPage page = store_->heads();
  first.fault = page.fault.sentence;
  first.heads = std::move(page.heads);
  load_page({}, std::move(first), context);
}

void Journal::on(const LoadMore& message, Context& context) { load_page(message.after, {}, context); }

void Journal::load_page(ByteView after, StoreLoading page, Context& context) {
  RowPage rows = store_->rows({}, after, load_page_bytes, false);
  page.store = store_->id();
  if (page.fault.empty()) page.fault = rows.fault.sentence;
  page.rows = std::move(rows.rows);
  page.next = std::move(rows.next);
  page.last = rows.last;
  context.reply(page);
}

void Journal::on(const ReadMetainfo& message, Context& context) {
  context.reply(MetainfoRead{message.ticket, store_->metainfo(message.gid, message.fid).metainfo});
}

void Journal::on(const ReadLog& message, Context& context) {
  LogRead read{message.ticket, {}, false, message.have};
  std::uint64_t room = ops_bytes_max.value;
  for (const LogRange& range : missing(message.have, message.want)) {
    if (read.deltas.size() >= ops_deltas_max || room == 0) break;
    const auto limit = static_cast<std::uint32_t>(ops_deltas_max - read.deltas.size());
    LogPage page = store_->log(range.origin, range.first, limit, {room});
    // What was made behind a snapshot is not in the log; whoever asks needs rows instead.
    read.truncated = read.truncated || page.truncated;
    if (page.truncated || page.fault) break;
    for (Delta& delta : page.deltas) {
      if (delta.sequence > range.last) break;
      const std::uint64_t size = encode(delta).size();
      room -= std::min(room, size);
      advance(read.have, delta.origin, delta.sequence);
      read.deltas.push_back(std::move(delta));
    }
  }
  context.reply(read);
}

void Journal::on(const ReadRows& message, Context& context) {
  HeadPage heads = store_->heads();
  RowPage page = store_->rows(message.buckets, message.after, ops_bytes_max, true);
  if (heads.fault || page.fault) return;  // whoever asks asks again
  RowsRead read{message.ticket, std::move(heads.heads), {}, {}, false};
  read.rows = std::move(page.rows);
  read.next = std::move(page.next);
  read.last = page.last;
  context.reply(read);
}

void Journal::on(const RememberNeighbour& message, Context&) {
  // It is met anew at the next start.
  if (const StoreFault fault = store_->remember_neighbour(message.endpoint, message.key))
    log_error(fault.sentence);
}

void Journal::on(const TruncateLog& message, Context& context) {
  truncating_ = message.upto;
  if (is_truncating_) return;
  is_truncating_ = true;
  context.after(Duration::zero(), TruncateFurther{});
}

void Journal::on(const TruncateFurther&, Context& context) {
  is_truncating_ = store_->truncate(truncating_);
  if (is_truncating_) context.after(truncation_pause, TruncateFurther{});
}

}  // namespace tutti
