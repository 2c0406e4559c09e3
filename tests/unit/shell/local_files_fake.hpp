#pragma once

#include <map>
#include <string>

#include "shell/local_files.hpp"

namespace tutti {

/// Local files that a test makes up; the current directory is /here.
class FakeFiles final : public LocalFiles {
 public:
  std::map<std::string, Kind> kinds;
  std::map<std::string, std::vector<Entry>> directories;

  Kind kind_of(const std::string& path) const override {
    const auto found = kinds.find(path);
    return found == kinds.end() ? Kind::missing : found->second;
  }
  std::string absolute(std::string_view path) const override {
    return path.starts_with('/') ? std::string(path) : "/here/" + std::string(path);
  }
  Found file_to_share(std::string_view path) const override {
    switch (kind_of(std::string(path))) {
      case Kind::regular: return {absolute(path), std::nullopt};
      case Kind::missing: return {{}, Refused{Code::no_such_file, "there is no such file"}};
      default: return {{}, Refused{Code::io_error, "this is not a regular file"}};
    }
  }
  std::vector<Entry> list(const std::string& directory) const override {
    const auto found = directories.find(directory);
    return found == directories.end() ? std::vector<Entry>() : found->second;
  }
};

}  // namespace tutti
