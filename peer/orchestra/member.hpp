#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "peer/client.hpp"
#include "peer/orchestra/orch_share.hpp"

namespace tutti {

/// What makes one member of an Orchestra different from another.
struct MemberSettings {
  std::string conductor;            ///< `host:port`
  std::string endpoint;             ///< `ip:port` where members are served
  std::set<std::string> own_hosts;  ///< addresses of this machine
  std::string directory;            ///< where the file is or is to be; absolute
  SchedulerOptions scheduler;
};

/// Where the file of a member is, or what there is of it.
struct MemberPlace {
  DownloadRecord download;  ///< as the scheduler is to find it
  bool is_there = false;    ///< a file of that name and size: right or not, that has to be seen
  bool is_begun = false;    ///< a part file
};

/// Looks what is in the directory. Nothing is written. Faults: no such folder; something else has the file's name.
OrFault<MemberPlace> find_member_place(Disk& disk, const OrchShare& share, const std::string& directory);

/// Remembers one download for as long as the process lives: what is on the disk is hashed again at each start, since it may
/// come from an original, and nobody else vouches for it.
std::shared_ptr<ClientStore> make_member_store(const OrchShare& share, const MemberPlace& place);

/// Builds a whole member, without its desk, for any host: a client whose tracker_link is a conductor_link, whose uploader is
/// an orch_door and whose fetchers are orch_peers. All else is the client's own.
ClientCast make_member(const MemberSettings& settings, const ClientAddresses& at,
                       const std::shared_ptr<const OrchShare>& share, std::shared_ptr<Disk> disk,
                       std::shared_ptr<ClientStore> store);

}  // namespace tutti
