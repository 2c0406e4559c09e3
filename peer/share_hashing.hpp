#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "messages/inside_client.hpp"
#include "peer/metainfo_builder.hpp"
#include "peer/piece_layout.hpp"

namespace tutti {

/// Decides which portion of a file that is to be shared each hasher reads next.
///
/// Rules:
/// - Pieces are independent, so every hasher takes the next one. The SHA-1 of the whole is one chain: the first hasher
///   goes along it in stretches of four pieces, and takes pieces beside it; so it does about as much as one of two
///   hashers should (a GiB of SHA-1 takes about half of what a GiB of both piece digests takes), and both are done
///   together.
/// - The chain keeps within `stretch_lead` of the pieces, so that bytes are read from the disk once and from its cache
///   the second time.
/// - Two portions a hasher under way: one being hashed, one waiting, so that none idles while its answer is read.
class ShareHashing {
 public:
  static constexpr ByteCount stretch_lead{256U << 20U};
  static constexpr std::uint32_t portions_a_hasher = 2;

  ShareHashing(HashJob job, std::string path, FileName name, const PieceLayout& layout, std::size_t hashers)
      : job_(job),
        path_(std::move(path)),
        builder_(std::move(name), layout),
        layout_(layout),
        busy_(hashers) {}

  HashJob job() const { return job_; }
  using Portion = std::variant<HashPiece, HashStretch>;
  /// What this hasher is to do next; nothing if it has enough to do or nothing is left.
  std::optional<Portion> next(std::size_t hasher);
  void piece_done(std::size_t hasher, PieceIndex piece, const DigestPair& digests);
  void stretch_done(std::size_t hasher, ByteCount done, const std::optional<Sha1>& whole);
  bool complete() const { return builder_.complete(); }
  Metainfo build() const { return builder_.build(); }
  ByteCount size() const { return layout_.size(); }
  /// The mean of how far pieces and chain are.
  ByteCount done() const { return {(pieces_done_.value + whole_done_.value) / 2}; }

 private:
  std::optional<HashStretch> next_stretch();
  std::optional<HashPiece> next_piece();

  HashJob job_;
  std::string path_;
  MetainfoBuilder builder_;
  PieceLayout layout_;
  std::vector<std::uint32_t> busy_;  ///< portions under way, by hasher
  PieceIndex next_piece_;
  ByteCount pieces_done_;
  ByteCount whole_done_;
  bool stretch_under_way_ = false;
  bool whole_known_ = false;
};

}  // namespace tutti
