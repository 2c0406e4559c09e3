#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/codes.hpp"

namespace tutti {

/// The shell's view of the user's own files: what a typed path means. Only looks, never changes anything.
class LocalFiles {
 public:
  enum class Kind : std::uint8_t { missing, regular, directory, special };
  struct Entry {
    std::string name;
    bool directory = false;
  };

  LocalFiles() = default;
  LocalFiles(const LocalFiles&) = delete;
  LocalFiles& operator=(const LocalFiles&) = delete;
  virtual ~LocalFiles() = default;

  /// What lies at `path`, symbolic links followed. A path that cannot be looked at counts as missing.
  virtual Kind kind_of(const std::string& path) const = 0;
  /// `path` from the root, `~/` resolved; nothing else is followed.
  virtual std::string absolute(std::string_view path) const = 0;
  /// The file or directory to share at `path`: from the root, symbolic links resolved, a directory with a slash at its
  /// end. Refused if it is none that can be read: no_such_file, or io_error with the reason.
  struct Found {
    std::string path;
    std::optional<Refused> refused;
  };
  virtual Found file_to_share(std::string_view path) const = 0;
  /// What a directory holds, unsorted; empty if it cannot be read. For completion.
  virtual std::vector<Entry> list(const std::string& directory) const = 0;
};

/// The real ones. `home` is what `~` stands for.
class PosixFiles final : public LocalFiles {
 public:
  explicit PosixFiles(std::string home) : home_(std::move(home)) {}

  Kind kind_of(const std::string& path) const override;
  std::string absolute(std::string_view path) const override;
  Found file_to_share(std::string_view path) const override;
  std::vector<Entry> list(const std::string& directory) const override;

 private:
  std::string home_;
};

}  // namespace tutti
