#pragma once

#include <map>
#include <memory>
#include <utility>

#include "actors/actor.hpp"
#include "messages/inside_orchestra.hpp"
#include "peer/client_store.hpp"

namespace tutti {

/// Writes the `.orch` files of files that are shared in groups, and decides which files members of Orchestras are served
/// by a client. Owns what is remembered of that. Blocks as storage does, so it is on storage's worker.
///
/// Rules:
/// - A `.orch` file is made of the metainfo alone, and whole or not at all; nothing that is there is overwritten.
/// - Served is what was exported by this client, ever, and is shared as a whole by whoever is logged in now: the door gets
///   what the librarian says of such files, and no more. So it ends with a logout, stop_share or a lost membership, and
///   begins again with a login.
/// - What was exported is remembered before that is said to have been done. It belongs to the state folder, not to a user.
/// - Without a door (the client was not started with one) exports are remembered all the same.
class Exporter final : public ActorOf<Exporter, ExporterRole::Accepts> {
 public:
  struct Others {
    Ref<ShellRole> shell;
    Ref<LibrarianRole> librarian;
    Ref<OrchDoorRole> door;  ///< zero: none
  };
  Exporter(Others others, std::shared_ptr<ClientStore> store) : others_(others), store_(std::move(store)) {}

  void start(Context& context) override;
  void check_invariants() const override;

  void on(const ExportFile& order, Context& context);
  void on(const ServeFile& serve, Context& context);
  void on(const StopServing& stop, Context& context);
  void on(const ServingFailed& failed, Context& context);

 private:
  using FileKey = std::pair<Gid, Fid>;

  bool has_door() const { return others_.door.address.value != 0; }
  void offer(const FileKey& key, Context& context);

  const Others others_;
  const std::shared_ptr<ClientStore> store_;
  std::map<FileKey, OrchExport> exports_;
  std::map<FileKey, ServeFile> shared_;  ///< by the user who is logged in; none without a door
};

}  // namespace tutti
