package digest

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// LookAgain is how long one look for keys is enough. Each look is a call to Secrets
// Manager while a caller waits, and anybody who is let in can ask for codes that nobody
// has.
const LookAgain = time.Minute

// moreKeys finds keys of digests that came after a process had started. While keys are
// rotated, processes of before and after work side by side for some minutes, and those of
// before do not know the key that the others make digests with.
//
// A process needs such a key in two cases: where it finds nothing of a customer under the
// keys that it has, and where a tombstone names a key that it does not have. What stands
// under no tombstone it erases under its own key. That is right: if the customer had been
// erased under a newer key, what stands there is a new customer.
//
// A look every LookAgain is enough. Nobody makes digests with a key before a deployment,
// and that comes after the key was put into the secret. As long as the erasure is open,
// its tombstone leads to it without any key. When it ends, after WriterLifetime, the key
// has been in the secret for longer than that.
type moreKeys struct {
	// read is all keys by id, in a time that a caller can wait.
	read func(ctx context.Context) (map[string][]byte, error)
	now  func() time.Time

	mu   sync.Mutex
	next time.Time
	keys map[string][]byte // never changed, but replaced
}

// look looks for keys that are not among known, if it is time. Who comes meanwhile waits
// for what is found. It is no error that Secrets Manager cannot be reached: the answer
// is then the one that the known keys give.
func (m *moreKeys) look(ctx context.Context, known map[string][]byte) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now().Before(m.next) {
		return
	}
	m.next = m.now().Add(LookAgain)
	all, err := m.read(ctx)
	if err != nil {
		slog.Warn("keys of digests are not looked for", "cause", err.Error())
		return
	}
	more := map[string][]byte{}
	for _, keys := range []map[string][]byte{m.keys, all} { // what was found once stays
		for id, key := range keys {
			if known[id] == nil {
				more[id] = key
			}
		}
	}
	m.keys = more
}

// found is the keys that looks have found, by id.
func (m *moreKeys) found() map[string][]byte {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.keys
}
