#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tutti {

/// Where a program that runs by itself shows what it does, and hears when it is to do something else: single keys on a
/// terminal, whole lines elsewhere. Never blocks.
class KeyConsole {
 public:
  KeyConsole() = default;
  KeyConsole(const KeyConsole&) = delete;
  KeyConsole& operator=(const KeyConsole&) = delete;
  virtual ~KeyConsole() = default;

  /// Somebody looks at what is shown: it may be drawn over.
  virtual bool is_drawn() const = 0;
  /// What is typed comes key by key, and not as lines.
  virtual bool hears_keys() const = 0;
  virtual std::size_t columns() const = 0;
  /// To be watched; -1: nothing comes any more.
  virtual int descriptor() const = 0;
  /// What has been typed since, read from the descriptor.
  virtual std::string read() = 0;
  /// A line, above the one that is drawn over.
  virtual void say(std::string_view line) = 0;
  virtual void complain(std::string_view line) = 0;
  /// The line that the next one is drawn over; empty: none. Nothing where nobody looks.
  virtual void progress(const std::string& line) = 0;
};

/// The process's standard streams. While it lives, a terminal hands over keys as they are typed, if that is wished for.
class StandardKeyConsole final : public KeyConsole {
 public:
  enum class Keys : std::uint8_t { single, lines };
  explicit StandardKeyConsole(Keys keys);
  ~StandardKeyConsole() override;

  bool is_drawn() const override { return drawn_; }
  bool hears_keys() const override { return hears_keys_; }
  std::size_t columns() const override;
  int descriptor() const override { return ended_ ? -1 : 0; }
  std::string read() override;
  void say(std::string_view line) override;
  void complain(std::string_view line) override;
  void progress(const std::string& line) override;

 private:
  struct Before;
  void clear();

  bool drawn_;
  bool ended_;
  bool hears_keys_ = false;
  std::size_t shown_ = 0;  ///< columns of the line that is drawn over
  std::unique_ptr<Before> before_;
};

}  // namespace tutti
