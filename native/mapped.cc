// Files mapped into memory. A page of a file that became shorter since cannot be read: the kernel answers with SIGBUS,
// which would end the process. Here the rest of such a mapping becomes zeros, and the next call from JavaScript fails and
// names the file.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "engine.h"

namespace graft {

namespace {

// Static, because a signal is the process's and not an environment's. A free entry has begin 0.
struct Mapping {
  std::atomic<uintptr_t> begin{0};
  std::atomic<bool> shrunk{false};
  size_t length = 0;
  const Engine* owner = nullptr;
  char* path = nullptr;
};
constexpr size_t kMappings = 1 << 14;
Mapping mappings[kMappings];
std::mutex changing;
std::atomic<size_t> used{0};
std::atomic<bool> anyShrunk{false};
struct sigaction before;

void onBusError(int signal, siginfo_t* info, void* context) {
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  for (size_t i = 0, end = used.load(); i < end; i++) {
    auto& mapping = mappings[i];
    const auto begin = mapping.begin.load();
    if (begin == 0 || address < begin || address >= begin + mapping.length) continue;
    const auto page = address & ~(static_cast<uintptr_t>(sysconf(_SC_PAGESIZE)) - 1);
    void* rest = mmap(reinterpret_cast<void*>(page), begin + mapping.length - page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (rest == MAP_FAILED) break;
    mapping.shrunk = true;
    anyShrunk = true;
    return;
  }
  // Not ours: as it would have gone without this handler.
  if ((before.sa_flags & SA_SIGINFO) && before.sa_sigaction) return before.sa_sigaction(signal, info, context);
  if (!(before.sa_flags & SA_SIGINFO) && before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
    return before.sa_handler(signal);
  sigaction(signal, &before, nullptr);
}

void listen() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action = {};
    action.sa_sigaction = onBusError;
    action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &before);
  });
}

// An entry for the mapping, or nullptr where all are taken.
Mapping* enter(void* data, size_t length, const Engine* owner, const std::string& path) {
  std::lock_guard<std::mutex> lock(changing);
  for (size_t i = 0; i < kMappings; i++) {
    auto& mapping = mappings[i];
    if (mapping.begin != 0) continue;
    mapping.length = length;
    mapping.owner = owner;
    mapping.path = strdup(path.c_str());
    mapping.shrunk = false;
    mapping.begin = reinterpret_cast<uintptr_t>(data);
    if (i >= used) used = i + 1;
    return &mapping;
  }
  return nullptr;
}

void leave(Mapping* mapping) {
  std::lock_guard<std::mutex> lock(changing);
  void* data = reinterpret_cast<void*>(mapping->begin.exchange(0));
  munmap(data, mapping->length);
  free(mapping->path);
  mapping->path = nullptr;
}

// The file's bytes in memory of JavaScript's own, for runtimes that refuse memory from outside and for want of entries.
napi_value readWhole(napi_env env, int file, size_t length, const std::string& path) {
  napi_value buffer;
  void* data;
  made(env, napi_create_arraybuffer(env, length, &data, &buffer));
  for (size_t done = 0; done < length;) {
    const auto count = pread(file, static_cast<char*>(data) + done, length - done, done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw FileShrank(path);
    done += count;
  }
  return buffer;
}

struct File {
  int descriptor;
  ~File() {
    if (descriptor >= 0) close(descriptor);
  }
};

// mapFile(path) -> ArrayBuffer over the file's bytes, read when they are touched; unmapped with the buffer.
napi_value mapFile(napi_env env, const Arguments& arguments) {
  const auto path = toString(env, arguments.at(0));
  const File file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.descriptor < 0) throw std::runtime_error(path + ": " + std::strerror(errno));
  struct stat status;
  if (fstat(file.descriptor, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
    throw std::runtime_error(path + ": is empty or not a regular file");
  const auto length = static_cast<size_t>(status.st_size);
  listen();
  void* data = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.descriptor, 0);
  if (data == MAP_FAILED) return readWhole(env, file.descriptor, length, path);
  auto* mapping = enter(data, length, &engineOf(env), path);
  if (!mapping) {
    munmap(data, length);
    return readWhole(env, file.descriptor, length, path);
  }
  napi_value buffer;
  const auto unmap = [](napi_env, void*, void* hint) { leave(static_cast<Mapping*>(hint)); };
  const auto shared = napi_create_external_arraybuffer(env, data, length, unmap, mapping, &buffer);
  if (shared == napi_ok) return buffer;
  leave(mapping);
  return readWhole(env, file.descriptor, length, path);
}

}  // namespace

void refuseShrunkFiles(napi_env env) {
  if (!anyShrunk.load(std::memory_order_relaxed)) return;
  std::lock_guard<std::mutex> lock(changing);
  std::string path;
  bool others = false;
  for (size_t i = 0; i < used; i++) {
    auto& mapping = mappings[i];
    if (mapping.begin == 0 || !mapping.shrunk) continue;
    if (mapping.owner != &engineOf(env)) {
      others = true;
      continue;
    }
    mapping.shrunk = false;
    path = mapping.path;
  }
  anyShrunk = others;
  if (!path.empty()) throw FileShrank(path);
}

void defineMappedFiles(napi_env env, napi_value exports) { define(env, exports, "mapFile", mapFile); }

}  // namespace graft
