#pragma once

#include <atomic>
#include <cstdint>
#include <fstream>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "actors/trace.hpp"
#include "messages/trace_records.hpp"

namespace tutti {

struct TraceLimits {
  /// The file does not grow beyond this: a forgotten trace must not fill a disk.
  std::uint64_t file_bytes = 256U << 20U;
  /// Of each payload so many bytes are kept. 0 keeps files small; block_size_max makes downloads replayable.
  std::size_t payload_bytes = 0;
  /// What of a message's body is kept: programs leave secrets out. None: all of it.
  Bytes (*redact)(ByteView body) = nullptr;
  /// Everything that a replay needs is written down, too.
  bool replayable = false;
};

/// Writes what a host delivers into a file (format: messages/trace_records.hpp). Safe on any thread; idle until
/// start(), and again after stop(): what is said to it then is forgotten.
///
///     if (std::string fault = file.start(path, {.redact = …}); fault.empty()) host.set_trace(&file);
///     …
///     host.set_trace(nullptr);
///     file.stop();
///
/// Rules: what a message was is written before its actor has it, what came of it when the actor is done; so the last delivery
/// of a program that has ended amid it is there. Every record is handed to the kernel whole before delivered() returns, so that kill -9 costs at most the end
/// of the last one. The file is readable by its owner only: messages say who does what, and one that can be replayed carries
/// session tokens. A file that is no
/// trace is never overwritten. A full file or disk ends the trace, with a line in the log, and not the program.
class TraceFile final : public TraceSink {
 public:
  TraceFile() = default;
  ~TraceFile() override;

  /// Begins a new file at `path`. Returns what is wrong, or nothing. One that was being written is ended.
  std::string start(const std::string& path, const TraceLimits& limits = {});
  /// Ends the file. False if none was being written.
  bool stop();
  bool is_recording() const;

  void named(Address address, std::string_view name) override;
  void delivered(Instant when, const Envelope& envelope) override;
  bool wants_steps() const override { return replayable_.load(std::memory_order_relaxed); }
  void stepped(const ActorStepped& step) override;
  /// What the actors of a process are made from: before it begins.
  void began(const ProcessBegan& process);

 private:
  Bytes redacted(const Bytes& body) const;
  void write(ByteView record);
  void end(std::string_view reason);
  bool append(ByteView record);

  mutable std::mutex mutex_;
  int descriptor_ = -1;
  std::string path_;
  TraceLimits limits_;
  std::uint64_t written_ = 0;
  std::atomic<bool> replayable_{false};
};

/// Of a payload that is replayed so many bytes are kept at least. Of a longer one the digest says what it was, and others of the
/// same size stand for it.
constexpr std::size_t payload_kept_whole = 64;

/// Reads a trace file, record by record.
class TraceReader {
 public:
  /// Returns what is wrong (no file, no trace, another version), or nothing.
  std::string open(const std::string& path);
  /// The next record; nothing at the end.
  std::optional<TraceRecord> next();
  /// True if the file ends amid a record: the program that wrote it was killed. Known after the last next().
  bool is_torn() const { return torn_; }
  /// Of each payload so many bytes were kept.
  std::uint64_t payload_bytes_max() const { return began_.payload_bytes_max; }

 private:
  std::optional<Bytes> read_record();

  std::ifstream file_;
  TraceBegan began_;
  bool torn_ = false;
};

}  // namespace tutti
