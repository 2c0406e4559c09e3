#include <memory>
#include <string>

#include "messages/byte_stream.hpp"
#include "messages/inside_orchestra.hpp"
#include "peer/client_store.hpp"
#include "peer/orchestra/conductor.hpp"
#include "peer/orchestra/conductor_link.hpp"
#include "peer/orchestra/exporter.hpp"
#include "peer/orchestra/orch_door.hpp"
#include "peer/orchestra/orch_peer.hpp"
#include "peer/orchestra/orch_share.hpp"
#include "shell/programs/inject/kinds.hpp"

namespace tutti {

namespace {

const ActorSetting name_setting{"name", "small.bin", "what the file is called"};
const ActorSetting size_setting{"size", "18", "bytes of the file"};
const ActorSetting part_setting{"part_size", "4", "bytes of a part of it"};

/// A file of which all digests are zeros.
std::shared_ptr<const OrchShare> share_of(const Casting& casting) {
  OrchFile file;
  file.name = casting.setting("name");
  file.size = ByteCount{casting.number("size")};
  file.part_size = ByteCount{casting.number("part_size")};
  if (file.part_size.value == 0) throw BadRequest("part_size=0: a part has at least one byte");
  const std::uint64_t parts = orch_part_count(file.size, file.part_size);
  constexpr std::uint64_t parts_max = 1000;
  if (parts > parts_max) throw BadRequest("size: at most 1000 parts");
  file.parts.resize(parts);
  return std::make_shared<const OrchShare>(orch_share(file));
}

std::unique_ptr<Actor> make_orch_door(Casting& casting) {
  OrchDoorOptions options;
  options.endpoint = casting.setting("listen");
  const bool of_a_client = casting.setting("name").empty();
  return std::make_unique<OrchDoor>(
      options, of_a_client ? nullptr : share_of(casting),
      OrchDoor::Others{
          casting.partner<StorageRole>(),
          of_a_client ? Ref<SchedulerRole>{} : casting.partner<SchedulerRole>(),
          of_a_client ? Ref<TrackerLinkRole>{} : casting.partner<TrackerLinkRole>("conductor_link"),
          casting.partner<ShellRole>(), of_a_client ? casting.partner<UploaderRole>() : Ref<UploaderRole>{}},
      std::make_shared<Opened>());
}

std::unique_ptr<Actor> make_orch_peer(Casting& casting) {
  OrchPeerOptions options;
  options.endpoint = casting.setting("peer");
  return std::make_unique<OrchPeer>(std::move(options), share_of(casting), casting.partner<OrchDoorRole>(),
                                    casting.partner<SchedulerRole>());
}

std::unique_ptr<Actor> make_conductor_link(Casting& casting) {
  ConductorLinkOptions options;
  options.conductor = casting.setting("conductor");
  return std::make_unique<ConductorLink>(
      std::move(options), share_of(casting),
      ConductorLink::Listeners{casting.partner<ShellRole>(), casting.partner<LibrarianRole>(),
                               casting.partner<SchedulerRole>()});
}

std::unique_ptr<Actor> make_conductor(Casting& casting) {
  ConductorOptions options;
  options.endpoint = casting.setting("listen");
  return std::make_unique<Conductor>(std::move(options), casting.partner<ConductorConsoleRole>(),
                                     std::make_shared<Opened>());
}

std::unique_ptr<Actor> make_exporter(Casting& casting) {
  return std::make_unique<Exporter>(
      Exporter::Others{casting.partner<ShellRole>(), casting.partner<LibrarianRole>(),
                       casting.partner<FileHasherRole>(), casting.partner<OrchDoorRole>()},
      make_memory_client_store(ClientIdentity{}));
}

}  // namespace

std::vector<ActorKind> orchestra_kinds() {
  return {
      {"exporter",
       "writes .orch files, decides which files members are served",
       ids_of<ExporterRole::Accepts>(),
       {},
       {},
       make_exporter},
      {"orch_door",
       "serves members of Orchestras",
       ids_of<OrchDoorRole::Accepts>(),
       ids_of<ByteStreamMessages>(),
       {{"listen", "127.0.0.1:10001", "where members come in"},
        {"name", "small.bin", "what the file is called; empty: a client's door, which is offered files"},
        size_setting,
        part_setting},
       make_orch_door},
      {"orch_peer",
       "speaks with one member",
       ids_of<OrchPeerRole::Accepts>(),
       ids_of<ByteStreamMessages>(),
       {{"peer", "127.0.0.9:10001", "whom it dials"}, name_setting, size_setting, part_setting},
       make_orch_peer},
      {"conductor_link",
       "asks the conductor who shares the file",
       {Ask::message_id, ForgetCommand::message_id, NowServing::message_id},
       ids_of<ByteStreamMessages>(),
       {{"conductor", "127.0.0.1:9999", "where the conductor is"}, name_setting, size_setting, part_setting},
       make_conductor_link},
      {"conductor",
       "tells members of each other",
       ids_of<ConductorRole::Accepts>(),
       ids_of<ByteStreamMessages>(),
       {{"listen", "127.0.0.1:9999", "where members ask"}},
       make_conductor},
  };
}

}  // namespace tutti
