#include "peer/client_threads.hpp"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <string>

namespace tutti {

namespace {

constexpr std::size_t hashers_max = 16;

/// Blocks come and go all the time, allocated on one thread and freed on another. By default their memory goes back to the
/// system with each of them and is cleared and mapped anew for the next: a twentieth of the CPU seconds of a download.
void keep_memory_of_blocks() {
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 32 << 20);
}

std::size_t cores() { return static_cast<std::size_t>(std::max(sysconf(_SC_NPROCESSORS_ONLN), 1L)); }

}  // namespace

ClientAddresses reserve_client(ZmqHost& host, Ref<ShellRole> shell, std::size_t hashers, Serving serving) {
  keep_memory_of_blocks();
  ClientAddresses at;
  at.shell = shell;
  const auto desk = host.add_worker("desk");
  at.tracker_link = host.reserve<TrackerLinkRole>(desk);
  at.librarian = host.reserve<LibrarianRole>(desk);
  const auto fetch = host.add_worker("fetch");
  at.scheduler = host.reserve<SchedulerRole>(fetch);
  const auto serve = serving == Serving::beside_fetching ? fetch : host.add_worker("serve");
  at.uploader = host.reserve<UploaderRole>(serve);
  at.orch_door = host.reserve<OrchDoorRole>(serve);
  const auto storage = host.add_worker("storage");
  at.storage = host.reserve<StorageRole>(storage);
  at.exporter = host.reserve<ExporterRole>(storage);
  at.checker = host.reserve<FileHasherRole>(host.add_worker("checker"));
  for (std::size_t i = 0; i < std::min(hashers == 0 ? cores() : hashers, hashers_max); ++i) {
    const auto worker = host.add_worker("hash-" + std::to_string(i));
    at.verifiers.push_back(host.reserve<HashVerifierRole>(worker));
    at.hashers.push_back(host.reserve<FileHasherRole>(worker));
  }
  return at;
}

void spawn_client(ZmqHost& host, const ClientAddresses& at, ClientCast cast) {
  host.spawn(at.checker, "checker", std::move(cast.checker));
  host.spawn(at.storage, "storage", std::move(cast.storage));
  for (std::size_t i = 0; i < at.verifiers.size(); ++i) {
    host.spawn(at.verifiers[i], "hash_verifier-" + std::to_string(i), std::move(cast.verifiers[i]));
    host.spawn(at.hashers[i], "file_hasher-" + std::to_string(i), std::move(cast.hashers[i]));
  }
  host.spawn(at.tracker_link, "tracker_link", std::move(cast.tracker_link));
  host.spawn(at.librarian, "librarian", std::move(cast.librarian));
  host.spawn(at.uploader, "uploader", std::move(cast.uploader));
  host.spawn(at.scheduler, "scheduler", std::move(cast.scheduler));
  if (cast.exporter) host.spawn(at.exporter, "exporter", std::move(cast.exporter));
  if (cast.orch_door) host.spawn(at.orch_door, "orch_door", std::move(cast.orch_door));
}

}  // namespace tutti
