#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "actors/random.hpp"
#include "actors/time.hpp"
#include "peer/client_store.hpp"
#include "tracker/store.hpp"

namespace tutti::simulation {

/// What a client remembers, on a machine whose power can fail. Calls survive kill -9. After a power loss: identity and
/// counters are whole; of pieces that were not synced each entry is forgotten or in doubt; of a share that was not synced the
/// identity fits no file.
class SwarmClientStore : public ClientStore {
 public:
  virtual void lose_power(Random& random) = 0;
};
std::shared_ptr<SwarmClientStore> make_swarm_client_store(const ClientIdentity& identity,
                                                          std::function<void()> charge);

/// The disk of a tracker: what stays when its process is killed. `committed` is all that was ever put on it.
struct TrackerDisk {
  std::unique_ptr<Store> store;
  std::vector<CommitBatch> committed;
  VersionVector at;
  bool full = false;
};

/// What a journal is given: goes to the disk, which stays when the journal is gone. Each commit takes as long as `charge`
/// says; one on a full disk is refused. `before` may change or swallow a batch (false: it is said to be there), for
/// planted bugs; `after` sees what is on the disk now.
struct TrackerDiskHooks {
  std::function<void()> charge;
  std::function<bool(CommitBatch&)> before;
  std::function<void(const CommitBatch&)> after;
};
std::unique_ptr<Store> store_on(TrackerDisk& disk, TrackerDiskHooks hooks);

}  // namespace tutti::simulation
