#include "actors/trace_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "actors/digest.hpp"
#include "actors/log.hpp"
#include "messages/codec.hpp"

namespace tutti {

namespace {

constexpr std::string_view magic = "tutti-trace\n";
/// A body, a kept payload and some numbers; a length beyond this is no length.
constexpr std::uint32_t record_bytes_max = 256U << 20U;
/// Kept free for the last record, which says why the file ends.
constexpr std::uint64_t room_for_end = 256;

std::string error_of(const std::string& path) { return path + ": " + std::strerror(errno); }

/// True if the open file is empty or a trace: only those may be overwritten.
bool may_overwrite(int descriptor) {
  std::array<char, magic.size()> begin{};
  const ssize_t read = ::pread(descriptor, begin.data(), begin.size(), 0);
  return read == 0 ||
         std::string_view(begin.data(), static_cast<std::size_t>(std::max<ssize_t>(read, 0))) == magic;
}

Bytes with_length(ByteView record) {
  const auto length = static_cast<std::uint32_t>(record.size());
  Bytes framed;
  framed.reserve(record.size() + 4);
  for (const unsigned shift : {24U, 16U, 8U, 0U})
    framed.push_back(static_cast<std::uint8_t>(length >> shift));
  framed.insert(framed.end(), record.begin(), record.end());
  return framed;
}

}  // namespace

TraceFile::~TraceFile() { stop(); }

std::string TraceFile::start(const std::string& path, const TraceLimits& limits) {
  const std::lock_guard lock(mutex_);
  if (descriptor_ >= 0) end("another file was begun");
  constexpr mode_t owner_only = 0600;
  const int descriptor =
      ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, owner_only);
  if (descriptor < 0) return error_of(path);
  struct stat status {};
  std::string fault;
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode) || !may_overwrite(descriptor)) {
    fault = path + ": there is something that is no trace, and it is not overwritten";
  } else if (::ftruncate(descriptor, 0) != 0 || ::fchmod(descriptor, owner_only) != 0) {
    fault = error_of(path);
  }
  if (!fault.empty()) {
    ::close(descriptor);
    return fault;
  }
  descriptor_ = descriptor;
  path_ = path;
  limits_ = limits;
  if (limits.replayable) limits_.payload_bytes = std::max(limits.payload_bytes, payload_kept_whole);
  replayable_.store(limits.replayable);
  written_ = 0;
  append(view_of(magic));
  write(encode(TraceBegan{trace_version, limits_.payload_bytes}));
  return descriptor_ < 0 ? path + ": the trace could not be begun" : std::string{};
}

bool TraceFile::stop() {
  const std::lock_guard lock(mutex_);
  if (descriptor_ < 0) return false;
  end("stopped");
  return true;
}

bool TraceFile::is_recording() const {
  const std::lock_guard lock(mutex_);
  return descriptor_ >= 0;
}

void TraceFile::named(Address address, std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (descriptor_ >= 0) write(encode(AddressNamed{address, std::string(name)}));
}

Bytes TraceFile::redacted(const Bytes& body) const {
  return limits_.redact == nullptr ? body : limits_.redact(body);
}

void TraceFile::delivered(Instant when, const Envelope& envelope) {
  const ByteView payload = envelope.payload.view();
  Bytes digest;
  if (wants_steps() && !payload.empty()) {
    const Sha256 of_all = sha256(payload);
    digest.assign(of_all.bytes.begin(), of_all.bytes.end());
  }
  const std::lock_guard lock(mutex_);
  if (descriptor_ < 0) return;
  const ByteView kept = payload.first(std::min(payload.size(), limits_.payload_bytes));
  write(encode(EnvelopeDelivered{when.time_since_epoch().count(),
                                 envelope.from,
                                 envelope.to,
                                 envelope.outside,
                                 redacted(envelope.body),
                                 payload.size(),
                                 {kept.begin(), kept.end()},
                                 std::move(digest)}));
}

void TraceFile::stepped(const ActorStepped& step) {
  const std::lock_guard lock(mutex_);
  if (descriptor_ < 0) return;
  ActorStepped kept = step;
  for (Deed& deed : kept.deeds) {
    if (auto* sent = std::get_if<Sent>(&deed.value)) sent->body = redacted(sent->body);
    if (auto* timer = std::get_if<TimerSet>(&deed.value)) timer->body = redacted(timer->body);
  }
  write(encode(kept));
}

void TraceFile::began(const ProcessBegan& process) {
  const std::lock_guard lock(mutex_);
  if (descriptor_ >= 0) write(encode(process));
}

void TraceFile::write(ByteView record) {
  if (written_ + record.size() + room_for_end > limits_.file_bytes) {
    log_warning("the trace " + path_ + " has reached " + std::to_string(limits_.file_bytes) +
                " bytes and ends");
    end("the file has reached its limit");
  } else if (!append(with_length(record))) {
    log_warning("the trace ends: " + error_of(path_));
    ::close(descriptor_);
    descriptor_ = -1;
    replayable_.store(false);
  }
}

void TraceFile::end(std::string_view reason) {
  append(with_length(encode(TraceEnded{std::string(reason)})));
  ::close(descriptor_);
  descriptor_ = -1;
  replayable_.store(false);
}

bool TraceFile::append(ByteView record) {
  while (!record.empty()) {
    const ssize_t done = ::write(descriptor_, record.data(), record.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return false;
    written_ += static_cast<std::uint64_t>(done);
    record = record.subspan(static_cast<std::size_t>(done));
  }
  return true;
}

std::string TraceReader::open(const std::string& path) {
  file_.open(path, std::ios::binary);
  if (!file_) return error_of(path);
  std::string begin(magic.size(), '\0');
  file_.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  if (!file_ || begin != magic) return path + ": this is no trace";
  const std::optional<Bytes> record = read_record();
  if (!record) return path + ": the trace ends before it begins";
  const Decoded<TraceBegan> began = decode<TraceBegan>(*record);
  if (!began || began->version == 0 || began->version > trace_version)
    return path + ": a trace of another version";
  began_ = *began;
  return {};
}

std::optional<Bytes> TraceReader::read_record() {
  std::array<std::uint8_t, 4> prefix{};
  file_.read(reinterpret_cast<char*>(prefix.data()), prefix.size());
  if (file_.gcount() == 0) return std::nullopt;
  std::uint32_t length = 0;
  for (const std::uint8_t byte : prefix) length = (length << 8U) | byte;
  torn_ = true;
  if (!file_ || length > record_bytes_max) return std::nullopt;
  Bytes record;
  constexpr std::size_t step = 1U << 20U;  // a wrong length must not cost more memory than there are bytes
  while (record.size() < length) {
    const std::size_t have = record.size();
    const std::size_t more = std::min<std::size_t>(step, length - have);
    record.resize(have + more);
    file_.read(reinterpret_cast<char*>(record.data() + have), static_cast<std::streamsize>(more));
    if (!file_) return std::nullopt;
  }
  torn_ = false;
  return record;
}

std::optional<TraceRecord> TraceReader::next() {
  if (torn_) return std::nullopt;
  const std::optional<Bytes> record = read_record();
  if (!record) return std::nullopt;
  MsgpackReader reader(*record, {.frame_bytes = record_bytes_max, .list_items = 1U << 20U});
  TraceRecord read_back;
  if (!reader.failed()) read(reader, read_back);
  if (reader.failed()) {
    torn_ = true;
    return std::nullopt;
  }
  return read_back;
}

}  // namespace tutti
