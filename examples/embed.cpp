// embed.cpp: the library in a C++17 program: handles that free themselves, errors
// that are thrown, callbacks that are lambdas. Usage: embed FOLDER URL
#include <devlog/devlog.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace devlog {

struct error : std::runtime_error {
  explicit error(const dl_error &e)
      : std::runtime_error(e.message), status(static_cast<dl_status>(e.status)) {}
  dl_status status;
};

// Calls f(arguments..., &err); throws what it reports.
template <typename F, typename... A> void call(F f, A... arguments) {
  dl_error err = DL_ERROR_INIT;
  if (f(arguments..., &err) != DL_OK) throw error(err);
}

class config {
public:
  config() {
    dl_config *raw = nullptr;
    call(dl_config_new, &raw);
    handle.reset(raw);
  }
  config &set(const std::string &name, const std::string &value) {
    call(dl_config_set, handle.get(), name.c_str(), value.c_str());
    return *this;
  }
  const dl_config *get() const { return handle.get(); }

private:
  struct release {
    void operator()(dl_config *c) const { dl_config_free(c); }
  };
  std::unique_ptr<dl_config, release> handle;
};

struct failure {
  std::string path, message;
};

struct result {
  std::uint64_t uploaded = 0, unchanged = 0, sent_bytes = 0;
  std::vector<failure> failures;
};

class sync {
public:
  using uploaded_fn = std::function<bool(const std::string &path, std::uint64_t size_bytes)>;

  explicit sync(const config &from) {
    dl_sync *raw = nullptr;
    call(dl_sync_new, from.get(), &raw);
    handle.reset(raw);
  }

  // on_uploaded is called for each file that is at the remote; false ends the push.
  result push(uploaded_fn on_uploaded = {}) {
    context own{std::move(on_uploaded), nullptr};
    dl_progress progress = DL_PROGRESS_INIT;
    progress.user = &own;
    progress.file_upload_complete = uploaded;

    dl_push_result raw = DL_PUSH_RESULT_INIT;
    std::unique_ptr<dl_push_result, clear> guard(&raw);
    dl_error err = DL_ERROR_INIT;
    dl_status status = dl_push(handle.get(), nullptr, &progress, &raw, &err);
    if (own.thrown) std::rethrow_exception(own.thrown);
    if (status != DL_OK && status != DL_ERR_PARTIAL) throw error(err);

    result r{raw.files_uploaded, raw.files_unchanged, raw.bytes_sent, {}};
    for (std::size_t i = 0; i < raw.error_count; i++)
      r.failures.push_back({raw.errors[i]->path, raw.errors[i]->message});
    return r;
  }

private:
  struct context {
    uploaded_fn on_uploaded;
    std::exception_ptr thrown;
  };
  struct release {
    void operator()(dl_sync *s) const { dl_sync_free(s); }
  };
  struct clear {
    void operator()(dl_push_result *r) const { dl_push_result_clear(r); }
  };

  // No exception may pass through C: it waits in the context until dl_push has returned.
  static int uploaded(const dl_progress_event *event, void *user) noexcept {
    auto *own = static_cast<context *>(user);
    try {
      return own->on_uploaded && !own->on_uploaded(event->path, event->size_bytes);
    } catch (...) {
      own->thrown = std::current_exception();
      return 1;
    }
  }

  std::unique_ptr<dl_sync, release> handle;
};

} // namespace devlog

int main(int argc, char **argv) {
  if (argc != 3) {
    std::cerr << "usage: " << argv[0] << " FOLDER URL\n";
    return 2;
  }
  try {
    devlog::config config;
    config.set("base", argv[1]).set("remote.url", argv[2]);
    devlog::result result = devlog::sync(config).push([](const std::string &path, auto size_bytes) {
      std::cout << path << " (" << size_bytes << " bytes)\n";
      return true;
    });
    for (const auto &failure : result.failures)
      std::cerr << failure.path << ": " << failure.message << '\n';
    std::cout << result.uploaded << " sent, " << result.unchanged << " unchanged\n";
    return result.failures.empty() ? 0 : 1;
  } catch (const devlog::error &e) {
    std::cerr << dl_status_name(e.status) << ": " << e.what() << '\n';
    return 1;
  }
}
