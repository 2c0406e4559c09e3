#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "messages/client_tracker.hpp"
#include "messages/inside_client.hpp"
#include "peer/orchestra/orch_file.hpp"
#include "peer/piece_layout.hpp"

namespace tutti {

/// What the members of an Orchestra share: the file of a `.orch` file, as the actors of a client know files. An Orchestra is
/// to them a group in which there is one file, and whose members are known by where they listen.
struct OrchShare {
  std::string name;  ///< as it goes over the wire
  std::string sha1;  ///< in hexadecimal digits
  PieceLayout layout;
  Metainfo metainfo;  ///< without SHA-256
  Uid uid;
  Gid gid;
  Fid fid;
  GroupName group;
};

/// `file` has passed orch_share_fault().
OrchShare orch_share(const OrchFile& file);
/// The last word of a `.orch` file's name: what the file is called in the folder where it is made.
std::string orch_base_name(std::string_view name);
/// What is wrong with a `.orch` file for whoever is to share by it, beyond what parse_orch says; a sentence and its line.
struct OrchFault {
  std::string sentence;
  std::size_t line = 0;
};
std::optional<OrchFault> orch_share_fault(const OrchFile& file);
/// Who a member is that listens at `endpoint`.
ClientKey orch_client(std::string_view endpoint);

}  // namespace tutti
