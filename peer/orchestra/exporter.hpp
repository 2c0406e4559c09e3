#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <utility>

#include "actors/actor.hpp"
#include "messages/inside_orchestra.hpp"
#include "peer/client_store.hpp"

namespace tutti {

/// Writes the `.orch` files of files that are shared in groups, and decides which files members of Orchestras are served
/// by a client. Owns what is remembered of that. Uses the store, so it is on storage's worker; files are written by `checker`,
/// since that waits for the disk.
///
/// Rules:
/// - A `.orch` file is made of the metainfo alone, and whole or not at all; nothing that is there is overwritten.
/// - Served is what was exported by this client, ever, and is shared as a whole by whoever is logged in now: the door gets
///   what the librarian says of such files, and no more. So it ends with a logout, stop_share or a lost membership, and
///   begins again with a login.
/// - What was exported is remembered before that is said to have been done. It belongs to the state folder, not to a user.
///   Beyond ClientStore::exports_max the one that was exported longest ago is forgotten, and not served any more.
/// - Without a door (the client was not started with one) exports are remembered all the same.
class Exporter final : public ActorOf<Exporter, ExporterRole::Accepts> {
 public:
  struct Others {
    Ref<ShellRole> shell;
    Ref<LibrarianRole> librarian;
    Ref<FileHasherRole> checker;
    Ref<OrchDoorRole> door;  ///< zero: none
  };
  Exporter(Others others, std::shared_ptr<ClientStore> store) : others_(others), store_(std::move(store)) {}

  void start(Context& context) override;
  void check_invariants() const override;

  void on(const ExportFile& order, Context& context);
  void on(const FileSynced& written, Context& context);
  void on(const ServeFile& serve, Context& context);
  void on(const StopServing& stop, Context& context);
  void on(const ServingFailed& failed, Context& context);

 private:
  using FileKey = std::pair<Gid, Fid>;

  bool has_door() const { return others_.door.address.value != 0; }
  void offer(const FileKey& key, Context& context);
  void remember(const OrchExport& exported);
  void forget_oldest(Context& context);

  const Others others_;
  const std::shared_ptr<ClientStore> store_;
  struct Writing {
    Address asker;
    ExportFile order;
  };
  std::map<std::uint64_t, Writing> writing_;  ///< by tag
  std::uint64_t last_tag_ = 0;
  std::map<FileKey, OrchExport> exports_;
  std::deque<FileKey> order_;            ///< of those, the first was exported longest ago
  std::map<FileKey, ServeFile> shared_;  ///< by the user who is logged in; none without a door
};

}  // namespace tutti
