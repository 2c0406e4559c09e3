#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "actors/payload.hpp"
#include "messages/inside_client.hpp"
#include "peer/metainfo_builder.hpp"
#include "peer/piece_layout.hpp"

namespace tutti {

/// Decides which portion of a file that is to be shared each hasher does next. Owns the bytes that were read for a piece
/// and wait for the whole's SHA-1.
///
/// Rules:
/// - Every byte is read once: reading costs a fifth of what hashing does. The SHA-1 of the whole is one chain, from the
///   first byte to the last, and the first hasher does it; what another one has read for a piece is kept for it.
/// - A piece that nobody has when the chain comes to it is hashed for both in one pass, which costs a seventh more than the
///   piece alone. So, before the chain would run out of pieces that are ready, the next one is left to it; with one hasher it
///   does all of them. With three and more the chain has no time for that, and sets the pace.
/// - What is kept is bounded: the others wait for the chain rather than run ahead of it.
/// - Two portions a hasher under way: one being hashed, one waiting, so that none idles while its answer is read.
class ShareHashing {
 public:
  static constexpr std::uint32_t portions_a_hasher = 2;
  /// Bytes that are kept, or read to be kept: so many, or four pieces if that is more.
  static constexpr ByteCount kept_max{8U << 20U};

  ShareHashing(HashJob job, std::string path, FileName name, const PieceLayout& layout, std::size_t hashers)
      : job_(job),
        path_(std::move(path)),
        builder_(std::move(name), layout),
        layout_(layout),
        busy_(hashers) {}

  HashJob job() const { return job_; }
  struct Portion {
    std::variant<HashPiece, HashStretch> what;
    Payload bytes;
  };
  /// What this hasher is to do next; nothing if it has enough to do or nothing is left.
  std::optional<Portion> next(std::size_t hasher);
  /// `bytes`: those of a piece that was to be kept.
  void piece_done(std::size_t hasher, PieceIndex piece, const DigestPair& digests, Payload bytes);
  void stretch_done(std::size_t hasher, ByteCount done, const std::optional<Sha1>& whole);
  bool complete() const { return builder_.complete(); }
  Metainfo build() const { return builder_.build(); }
  ByteCount size() const { return layout_.size(); }
  /// The mean of how far pieces and chain are.
  ByteCount done() const { return {(pieces_done_.value + whole_done_.value) / 2}; }

 private:
  std::optional<Portion> next_of_chain();
  std::optional<Portion> next_piece();
  Portion stretch(bool as_piece, Payload bytes);
  bool chain_runs_out() const;
  bool keeps_enough() const;

  HashJob job_;
  std::string path_;
  MetainfoBuilder builder_;
  PieceLayout layout_;
  std::vector<std::uint32_t> busy_;  ///< portions under way, by hasher
  PieceIndex next_piece_;            ///< nobody has this one and those behind it
  PieceIndex next_of_chain_;
  bool chain_ends_ = false;               ///< its last stretch is under way or done
  std::set<PieceIndex> left_to_chain_;    ///< from next_of_chain_ on, before next_piece_
  std::set<PieceIndex> by_chain_;         ///< hashed in one pass with it, under way
  std::map<PieceIndex, Payload> hashed_;  ///< before the chain has come to them
  ByteCount keeping_;
  ByteCount pieces_done_;
  ByteCount whole_done_;
};

}  // namespace tutti
