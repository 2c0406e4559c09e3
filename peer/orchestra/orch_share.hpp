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

/// What the members of an Orchestra share, as the actors of a client know files: the file of a `.orch` file, which is to a
/// member's actors the one file of a group whose members are known by where they listen; or a file of a group of tutti.
struct OrchShare {
  std::string name;  ///< as it goes over the wire
  std::string sha1;  ///< in hexadecimal digits
  PieceLayout layout;
  // Of a member's file alone.
  Metainfo metainfo;  ///< without SHA-256
  Uid uid;
  // As the client's actors call it.
  Gid gid;
  Fid fid;
  GroupName group;
};

/// `file` has passed orch_share_fault().
OrchShare orch_share(const OrchFile& file);
/// A file of a group as a `.orch` file says it: its pieces are the parts, so nothing of it has to be read.
OrchFile orch_file_of(const Metainfo& metainfo, std::string_view conductor);
/// Why a file cannot be exported so; nothing if it can.
std::optional<Refused> orch_export_fault(const Metainfo& metainfo);
/// Why members of the original cannot share such a file, as tutti's can; empty if they can.
std::string_view orch_originals_fault(std::string_view name, ByteCount size, std::uint64_t parts);

/// The last word of a `.orch` file's name: what the file is called in the folder where it is made.
std::string orch_base_name(std::string_view name);
/// What is wrong with a `.orch` file for whoever is to share by it, beyond what parse_orch says; a sentence and its line.
struct OrchFault {
  std::string sentence;
  std::size_t line = 0;
};
std::optional<OrchFault> orch_share_fault(std::string_view name, ByteCount part_size, std::uint64_t parts);
/// Who a member is that listens at `endpoint`.
ClientKey orch_client(std::string_view endpoint);

}  // namespace tutti
