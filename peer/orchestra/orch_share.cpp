#include "peer/orchestra/orch_share.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "actors/digest.hpp"
#include "peer/metainfo_builder.hpp"

namespace tutti {

namespace {

template <class Id>
Id id_of(std::string_view kind, std::string_view text) {
  Sha256Hasher hasher;
  hasher.update(view_of(kind));
  hasher.update(view_of(text));
  return Id::from(hasher.finish().view());
}

}  // namespace

OrchShare orch_share(const OrchFile& file) {
  OrchShare share{file.name, file.sha1.hex(), PieceLayout(file.size, file.part_size), {}, {}, {}, {}, {}};
  share.metainfo.name = FileName{orch_base_name(file.name)};
  share.metainfo.size = file.size;
  share.metainfo.piece_length = file.part_size;
  share.metainfo.sha1 = file.sha1;
  share.metainfo.piece_sha1.run.reserve(file.parts.size() * Sha1::size);
  for (const Sha1& part : file.parts) share.metainfo.piece_sha1.push_back(part);
  share.group = GroupName{"orchestra"};
  share.uid = id_of<Uid>("orchestra-user", share.sha1);
  share.gid = id_of<Gid>("orchestra-group", share.sha1);
  share.fid = fid_of(share.metainfo);
  return share;
}

OrchFile orch_file_of(const Metainfo& metainfo, std::string_view conductor) {
  OrchFile file{std::string(conductor), metainfo.name.text,    metainfo.sha1,
                metainfo.size,          metainfo.piece_length, {}};
  file.parts.reserve(metainfo.piece_sha1.size());
  for (std::size_t part = 0; part < metainfo.piece_sha1.size(); ++part)
    file.parts.push_back(metainfo.piece_sha1[part]);
  return file;
}

std::optional<Refused> orch_export_fault(const Metainfo& metainfo) {
  if (metainfo.is_tree())
    return Refused{Code::other, fmt::format("{} is a directory, and a .orch file describes one file: export "
                                            "files that are shared by themselves",
                                            metainfo.name.text)};
  // Readers drop white space at the ends of lines, and would share a file of another name.
  if (metainfo.name.text.ends_with(' '))
    return Refused{Code::invalid_name, fmt::format("a .orch file cannot carry the name '{}', which ends with "
                                                   "a blank: share the file under another one",
                                                   metainfo.name.text)};
  return std::nullopt;
}

std::string_view orch_originals_fault(std::string_view name, ByteCount size, std::uint64_t parts) {
  constexpr std::uint64_t original_parts_max = 14'283;
  constexpr std::uint64_t original_bytes_max = std::uint64_t{1} << 30U;  // less than that
  if (!std::all_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
    return "only tutti's members and conductor can share it: in the originals names are ASCII";
  if (size.value >= original_bytes_max)
    return "only tutti's members can share it: for the originals files have less than 1 GiB";
  if (parts > original_parts_max)
    return "only tutti's members can share it: for the originals a file has at most 14,283 parts";
  return {};
}

std::string orch_base_name(std::string_view name) {
  return std::string(name.substr(name.find_last_of('/') + 1));
}

std::optional<OrchFault> orch_share_fault(std::string_view name, ByteCount part_size, std::uint64_t parts) {
  constexpr std::size_t name_line = 2;
  constexpr std::size_t part_size_line = 5;
  constexpr std::size_t count_line = 6;
  if (const std::string_view fault = file_name_fault(orch_base_name(name)); !fault.empty())
    return OrchFault{std::string(fault), name_line};
  // A part is asked for and hashed as a whole, and kept in memory while it is sent.
  if (part_size > Metainfo::piece_length_max)
    return OrchFault{"parts of more than 16 MiB are not shared here: compose it with smaller ones",
                     part_size_line};
  // The list of a million parts, 300,000 digits, takes a tenth of a second to read; the cost grows faster than the number.
  constexpr std::uint64_t parts_max = std::uint64_t{1} << 20U;
  if (parts > parts_max)
    return OrchFault{"files of more than 1,048,576 parts are not shared here: compose it with larger ones",
                     count_line};
  return std::nullopt;
}

ClientKey orch_client(std::string_view endpoint) { return id_of<ClientKey>("orchestra-member", endpoint); }

}  // namespace tutti
