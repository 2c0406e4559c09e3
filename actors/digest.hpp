#pragma once

#include <memory>

#include "messages/bytes.hpp"
#include "messages/units.hpp"

namespace tutti {

/// SHA-1 (FIPS 180-4) of bytes that come in parts. About 1.9 GB/s a core where the processor has SHA instructions.
class Sha1Hasher {
 public:
  Sha1Hasher();
  Sha1Hasher(Sha1Hasher&&) noexcept;
  Sha1Hasher& operator=(Sha1Hasher&&) noexcept;
  ~Sha1Hasher();

  void update(ByteView bytes);
  /// The digest of all bytes since the start. Afterwards the hasher is as new.
  Sha1 finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// SHA-256 (FIPS 180-4) of bytes that come in parts.
class Sha256Hasher {
 public:
  Sha256Hasher();
  Sha256Hasher(Sha256Hasher&&) noexcept;
  Sha256Hasher& operator=(Sha256Hasher&&) noexcept;
  ~Sha256Hasher();

  void update(ByteView bytes);
  /// The digest of all bytes since the start. Afterwards the hasher is as new.
  Sha256 finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// SHA-1 and SHA-256 of the same bytes.
struct DigestPair {
  Sha1 sha1;
  Sha256 sha256;
  bool operator==(const DigestPair&) const = default;
};

/// SHA-1 of a long run of bytes, such as a whole file, that is hashed beside pieces of it (PairHasher::update_with). A
/// copy is a state to go back to.
class CompanionSha1 {
 public:
  CompanionSha1();
  /// As on a processor without SHA instructions, for tests.
  static CompanionSha1 portable();
  CompanionSha1(const CompanionSha1& other);
  CompanionSha1& operator=(const CompanionSha1& other);
  CompanionSha1(CompanionSha1&&) noexcept;
  CompanionSha1& operator=(CompanionSha1&&) noexcept;
  ~CompanionSha1();

  void update(ByteView bytes);
  /// The digest of all bytes since the start. Afterwards the hasher is as new.
  Sha1 finish();

 private:
  friend class PairHasher;
  struct State;
  struct Chained;
  struct Portable;
  explicit CompanionSha1(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Both hashes of bytes that come in parts, read once: where the processor has SHA instructions the two run interleaved
/// on one core (see sha_blocks.hpp), elsewhere OpenSSL does one after the other.
class PairHasher {
 public:
  PairHasher();
  /// As on a processor without SHA instructions, for tests.
  static PairHasher portable();
  PairHasher(PairHasher&&) noexcept;
  PairHasher& operator=(PairHasher&&) noexcept;
  ~PairHasher();

  void update(ByteView bytes);
  /// The same, and update(bytes) of the companion: in one pass where the processor has SHA instructions, and then at
  /// hardly more cost than without it.
  void update_with(CompanionSha1& companion, ByteView bytes);
  /// The digests of all bytes since the start. Afterwards the hasher is as new.
  DigestPair finish();

 private:
  struct State;
  struct Interleaved;
  struct OneAfterTheOther;
  explicit PairHasher(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

Sha1 sha1(ByteView bytes);
Sha256 sha256(ByteView bytes);

/// Which file a metainfo describes: the first 16 bytes of SHA-256 over "tutti-file-1" and `record`, the metainfo as
/// encode_record writes it.
Fid fid_of_record(ByteView record);
/// The id of the user whom request (`client`, `counter`) creates: no two requests have the same pair, so trackers that
/// are apart never give one id twice, and one that repeats the request gives the same.
Uid uid_of_request(const ClientKey& client, RequestCounter counter);
/// The id of the group that request (`client`, `counter`) creates.
Gid gid_of_request(const ClientKey& client, RequestCounter counter);

}  // namespace tutti
