#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "actors/digest.hpp"
#include "actors/random.hpp"
#include "messages/codec.hpp"
#include "tracker/directory.hpp"
#include "tracker/facts.hpp"
#include "tracker/logs.hpp"
#include "tracker/store.hpp"

// Fills the store of a tracker with as many users, groups and files as are wanted, always the same ones, through the
// tracker's own code: each is a delta that the state joins, and the rows that it joins to go to the store. Rows are
// written in the order of their keys, as a snapshot is: one after the other they would take hours. scripts/bench
// trackers --scale runs it.

namespace {

using namespace tutti;

struct Wanted {
  std::string folder;
  std::uint32_t users = 1'000'000;
  std::uint32_t groups = 100'000;
  std::uint32_t files = 1'000'000;
  std::uint32_t log = 50'000;  ///< deltas that stay in the log
};

constexpr std::size_t rows_at_once = 200'000;
constexpr std::uint64_t begin_of_time =
    1'700'000'000'000;  // milliseconds: well before today, so that clocks go on

/// The log of one tracker that has done nothing but what is wanted.
class Filler {
 public:
  explicit Filler(const Wanted& wanted, const StoreId& store)
      : wanted_(wanted), own_(LogHead{store, {}, {}}, HybridClock{}) {}

  void fill() {
    for (std::uint32_t user = 0; user < wanted_.users; ++user) make_user(user);
    for (std::uint32_t group = 0; group < wanted_.groups; ++group) make_group(group);
    if (wanted_.groups == 0 || wanted_.users < wanted_.groups) return;
    for (std::uint32_t user = wanted_.groups; user < wanted_.users; ++user) join_group(user);
    for (std::uint32_t file = 0; file < wanted_.files; ++file) share_file(file);
  }

  std::string write(Store& store) {
    std::sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) {
      return std::tie(a.bucket, a.key) < std::tie(b.bucket, b.key);
    });
    for (std::size_t first = 0; first < rows_.size(); first += rows_at_once) {
      CommitBatch batch;
      const std::size_t end = std::min(first + rows_at_once, rows_.size());
      for (std::size_t i = first; i < end; ++i) batch.rows.push_back(rows_[i].view());
      if (end == rows_.size()) {
        batch.heads.push_back(own_.head());
        batch.deltas = std::move(last_);
      }
      if (const StoreFault fault = store.commit(batch)) return fault.sentence;
    }
    return {};
  }

  std::size_t rows() const { return rows_.size(); }
  const LogHead& head() const { return own_.head(); }
  StateDigest digest() const { return directory_.digest(); }
  /// What a comparison of two states costs each tracker.
  double microseconds_of_buckets() const {
    constexpr int rounds = 1000;
    const auto begin = std::chrono::steady_clock::now();
    const DigestList<StateDigest> once = directory_.bucket_digests();
    int equal = 0;
    for (int round = 0; round < rounds; ++round) equal += directory_.bucket_digests() == once ? 1 : 0;
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    return took.count() / equal;
  }

 private:
  static ClientKey client_of(std::uint32_t user) {
    ClientKey key;
    for (std::size_t i = 0; i < 4; ++i) key.bytes[i] = static_cast<std::uint8_t>(user >> (8 * i));
    return ClientKey::from(sha256(key.view()).view());
  }
  static std::string numbered(const char* what, std::uint32_t number) {
    return fmt::format("{}-{:07}", what, number);
  }
  Uid uid(std::uint32_t user) const { return uid_of_request(client_of(user), {1}); }
  Gid gid(std::uint32_t group) const { return gid_of_request(client_of(group), {2}); }
  std::uint32_t group_of(std::uint32_t number) const { return number % wanted_.groups; }

  void make_user(std::uint32_t user) {
    const std::string salt = sha256(client_of(user).view()).hex();
    PasswordSet password{uid(user), 1,
                         "$argon2id$v=19$m=65536,t=2,p=1$" + salt.substr(0, 22) + "$" + salt.substr(0, 43)};
    say(user, 1, {UserNamed{uid(user), {numbered("user", user)}, 1, true}, std::move(password)}, Done{});
  }
  void make_group(std::uint32_t group) {
    const Uid owner = uid(group);
    say(group, 2,
        {GroupNamed{gid(group), {numbered("group", group)}, 1, true},
         MembershipChanged{gid(group), owner, 1, MembershipRank::accepted, owner}},
        Done{});
  }
  void join_group(std::uint32_t user) {
    const std::uint32_t group = group_of(user);
    say(user, 2, {MembershipChanged{gid(group), uid(user), 1, MembershipRank::accepted, uid(group)}}, Done{});
  }
  void share_file(std::uint32_t file) {
    const std::uint32_t user = file % wanted_.users;
    const Gid group = gid(group_of(user));
    Metainfo metainfo;
    metainfo.name = {numbered("file", file) + ".bin"};
    metainfo.piece_length = Metainfo::piece_length_min;
    const std::uint64_t pieces = 1 + random_.below(8);
    metainfo.size = {pieces * metainfo.piece_length.value - random_.below(1000)};
    metainfo.sha1 = digest<Sha1>();
    for (std::uint64_t piece = 0; piece < pieces; ++piece) {
      metainfo.piece_sha1.push_back(digest<Sha1>());
      metainfo.piece_sha256.push_back(digest<Sha256>());
    }
    const Fid fid = fid_of_record(encode_record(metainfo));
    say(user, 3 + file / wanted_.users,
        {FileDescribed{group, fid, 1, std::move(metainfo)}, ShareIntended{group, fid, uid(user), 1, 1, true}},
        FileAdded{group, fid, false});
  }
  template <class Digest>
  Digest digest() {
    Digest digest;
    for (auto& byte : digest.bytes) byte = static_cast<std::uint8_t>(random_.below(256));
    return digest;
  }

  void say(std::uint32_t user, std::uint64_t counter, std::vector<Operation> operations,
           const TrackerAnswer& answer) {
    operations.push_back(RequestAnswered{client_of(user), {counter}, encode_answer(answer)});
    const WallTime now{std::chrono::milliseconds(begin_of_time + own_.head().sequence.value)};
    Delta delta = own_.seal(std::move(operations), now);
    for (Row& row : directory_.apply(delta).rows) rows_.push_back(std::move(row));
    if (delta.sequence.value + wanted_.log > deltas()) last_.push_back(std::move(delta));
  }
  /// How many there will be.
  std::uint64_t deltas() const {
    const bool peopled = wanted_.groups != 0 && wanted_.users >= wanted_.groups;
    return std::uint64_t{wanted_.users} + wanted_.groups +
           (peopled ? std::uint64_t{wanted_.users} - wanted_.groups + wanted_.files : 0);
  }

  Wanted wanted_;
  Random random_{7};
  OwnLog own_;
  Directory directory_;
  std::vector<Row> rows_;
  std::vector<Delta> last_;
};

int run(const Wanted& wanted) {
  StoreId id;
  id.bytes.fill(0x5a);
  std::filesystem::create_directories(wanted.folder);
  const OpenedStore opened = open_sqlite_store(wanted.folder, 1, id);
  if (!opened.store) {
    fmt::print(stderr, "bench_tracker_store: {}\n", opened.fault);
    return 1;
  }
  Filler filler(wanted, opened.store->id());
  filler.fill();
  const std::size_t rows = filler.rows();
  if (const std::string fault = filler.write(*opened.store); !fault.empty()) {
    fmt::print(stderr, "bench_tracker_store: {}\n", fault);
    return 1;
  }
  fmt::print("{{\"rows\": {}, \"deltas\": {}, \"digest\": \"{}\", \"buckets_us\": {:.2f}}}\n", rows,
             filler.head().sequence.value, filler.digest().hex(), filler.microseconds_of_buckets());
  return 0;
}

}  // namespace

int main(int argc, char* argv[]) {
  Wanted wanted;
  CLI::App app{"Fills the store of tracker 1 with users, groups and files"};
  app.add_option("folder", wanted.folder, "of the store, as for tracker --data; it has to be empty")
      ->required();
  app.add_option("--users", wanted.users)->capture_default_str();
  app.add_option("--groups", wanted.groups, "the first users have one each; the others join one")
      ->capture_default_str();
  app.add_option("--files", wanted.files, "shared by one member each")->capture_default_str();
  app.add_option("--log", wanted.log, "the last changes, which stay in the log")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return run(wanted);
}
