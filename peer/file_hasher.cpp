#include "peer/file_hasher.hpp"

#include <algorithm>
#include <string>

#include "actors/context.hpp"
#include "actors/ensure.hpp"
#include "peer/new_file.hpp"
#include "peer/piece_hasher.hpp"
#include "peer/tree_disk.hpp"

namespace tutti {

namespace {

/// Calls `take` with the bytes of a part of a file, a block at a time.
template <class Take>
DiskDone read_part(Disk& disk, const std::string& path, ByteCount offset, ByteCount size, Take take) {
  for (ByteCount done; done < size;) {
    const ByteCount length = std::min(block_size, size - done);
    const auto bytes = disk.read(path, offset + done, length);
    if (!bytes) return bytes.fault();
    take(bytes->view());
    done += length;
  }
  return std::nullopt;
}

Refused refusal_of(const DiskFault& fault) { return {fault.code, fault.sentence}; }

}  // namespace

void FileHasher::on(const HashPiece& hash, Context& context) {
  if (hash.keep) return hash_and_keep(hash, context);
  PairHasher digester;
  const DiskDone fault =
      read_part(*disk_, hash.path, hash.offset, hash.size, [&](ByteView bytes) { digester.update(bytes); });
  if (fault) {
    context.reply(HashFailed{hash.job, fault->code, fault->sentence});
    return;
  }
  const DigestPair digests = digester.finish();
  context.reply(PieceHashed{hash.job, hash.piece, digests.sha1, digests.sha256});
}

void FileHasher::hash_and_keep(const HashPiece& hash, Context& context) {
  const auto bytes = disk_->read(hash.path, hash.offset, hash.size);
  if (!bytes) {
    context.reply(HashFailed{hash.job, bytes.fault().code, bytes.fault().sentence});
    return;
  }
  PairHasher digester;
  digester.update(bytes->view());
  const DigestPair digests = digester.finish();
  context.reply(PieceHashed{hash.job, hash.piece, digests.sha1, digests.sha256}, *bytes);
}

void FileHasher::on(const HashStretch& hash, Context& context) {
  const JobKey key{context.sender(), hash.job};
  if (hash.offset.value == 0) wholes_.erase(key);
  Whole& whole = wholes_[key];
  if (whole.done != hash.offset) {
    wholes_.erase(key);
    context.reply(HashFailed{hash.job, Code::other, "a part of the file was left out"});
    return;
  }
  PairHasher digester;
  const auto take = [&](ByteView bytes) {
    if (hash.piece) {
      digester.update_with(whole.hasher, bytes);
    } else {
      whole.hasher.update(bytes);
    }
  };
  DiskDone fault;
  if (const Payload& bytes = context.payload(); !bytes.empty()) {
    take(bytes.view());
  } else {
    fault = read_part(*disk_, hash.path, hash.offset, hash.size, take);
  }
  if (fault) {
    wholes_.erase(key);
    context.reply(HashFailed{hash.job, fault->code, fault->sentence});
    return;
  }
  if (hash.piece) {
    const DigestPair digests = digester.finish();
    context.reply(PieceHashed{hash.job, *hash.piece, digests.sha1, digests.sha256});
  }
  whole.done += hash.size;
  StretchHashed hashed{hash.job, whole.done, {}};
  if (hash.last) {
    hashed.sha1 = whole.hasher.finish();
    wholes_.erase(key);
  }
  context.reply(hashed);
}

void FileHasher::on(const DropHashing& drop, Context& context) {
  wholes_.erase({context.sender(), drop.job});
}

void FileHasher::on(const SyncFile& sync, Context& context) {
  FileSynced synced{sync.tag, {}};
  if (const DiskDone fault = disk_->sync(sync.path)) synced.fault = refusal_of(*fault);
  context.reply(synced);
}

void FileHasher::on(const WriteFile& write, Context& context) {
  const ByteView bytes = context.payload().view();
  NewFile file(write.path);
  DiskDone fault = file.write(std::string(bytes.begin(), bytes.end()));
  if (!fault) fault = file.finish(NewFile::Place::must_be_free);
  FileSynced written{write.tag, {}};
  if (fault) written.fault = refusal_of(*fault);
  context.reply(written);
}

void FileHasher::on(const CheckFile& check, Context& context) {
  FileChecked checked;
  checked.tag = check.tag;
  const auto refuse = [&](const DiskFault& fault) {
    checked.code = fault.code;
    checked.sentence = fault.sentence;
  };
  if (check.anew && disk_->trees() != nullptr) {
    if (OrFault<TreeSurvey> survey = disk_->trees()->survey(check.path)) {
      checked.identity = survey->identity;
      checked.manifest_size = survey->manifest_size;
      checked.skipped = std::move(survey->skipped);
    } else {
      refuse(survey.fault());
    }
  } else if (const OrFault<FileIdentity> identity = disk_->identity(check.path)) {
    checked.identity = *identity;
  } else {
    refuse(identity.fault());
  }
  context.reply(checked);
}

// --- directories that are fetched -------------------------------------------------------------------------------

TreeDisk& FileHasher::trees() const {
  ENSURE(disk_->trees() != nullptr);
  return *disk_->trees();
}

void FileHasher::on(const FindTree& find, Context& context) {
  const auto known = Bitfield::parse(find.known, find.pieces);
  const auto existing = Bitfield::parse(find.existing, find.pieces);
  ENSURE(known && existing);
  TreeFound found;
  found.tag = find.tag;
  const auto findings = trees().find(find.path, {find.only, *known, *existing, find.whole, find.doubts});
  if (findings) {
    found.wanted = findings->wanted.bytes();
    found.existing = findings->existing.bytes();
    found.whole = findings->whole;
    found.gone = findings->gone.bytes();
    found.doubtful = findings->doubtful.bytes();
  } else {
    found.fault = refusal_of(findings.fault());
  }
  context.reply(found);
}

void FileHasher::on(const FinishTree& finish, Context& context) {
  std::optional<TreeBefore> before;
  if (const auto pieces = Bitfield::parse(finish.before, finish.pieces); pieces && !finish.before.empty())
    before = TreeBefore{*pieces, finish.before_identity};
  TreeFinished finished;
  finished.tag = finish.tag;
  if (const auto done = trees().finish(finish.path, before)) {
    finished.identity = done->identity;
    finished.pieces = done->pieces.bytes();
  } else {
    finished.fault = refusal_of(done.fault());
  }
  context.reply(finished);
}

void FileHasher::on(const LookAtTree& look, Context& context) {
  TreeSeen seen;
  seen.tag = look.tag;
  if (const auto identity = trees().look_at_rest(look.path)) {
    seen.identity = *identity;
  } else {
    seen.fault = refusal_of(identity.fault());
  }
  context.reply(seen);
}

void FileHasher::on(const RemoveTree& remove, Context& context) {
  TreeRemoved removed;
  removed.tag = remove.tag;
  if (const DiskDone fault = disk_->remove(remove.path)) removed.fault = refusal_of(*fault);
  context.reply(removed);
}

}  // namespace tutti
