package erasure

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"customercare/shared/store"
)

// lookAgain is how far apart two looks for keys are at least: each is a call to Secrets
// Manager while a caller waits, and anybody who is let in can ask for codes that nobody
// has.
const lookAgain = time.Minute

// MoreKeys finds keys of digests that came after a process had started: while keys are
// rotated, processes of before and after work side by side for some minutes, and those of
// before do not know the key that the others make digests with.
//
// A process needs such a key where it finds nothing of a customer under the keys that it
// has, and where a tombstone names a key that it does not have. What stands under no
// tombstone it erases under its own key, which is right: if it had been erased under a
// newer one, it is a new customer.
//
// A look every lookAgain is enough. Nobody makes digests with a key before a deployment
// that follows its being put into the secret. As long as the erasure is open, its
// tombstone leads to it without any key; and when it ends, after WriterLifetime, the key
// has been in the secret for longer than that.
type MoreKeys struct {
	Read func(ctx context.Context) (map[string][]byte, error) // all keys, by id, in a time that a caller can wait
	Now  func() time.Time

	mu   sync.Mutex
	next time.Time
	keys map[string][]byte // never changed, but replaced
}

// look looks for keys that are not among known, if it is time; who comes meanwhile waits
// for what is found. It is no error that Secrets Manager cannot be reached: the answer is
// then the one that the known keys give, as it always was.
func (m *MoreKeys) look(ctx context.Context, known map[string][]byte) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Now().Before(m.next) {
		return
	}
	m.next = m.Now().Add(lookAgain)
	all, err := m.Read(ctx)
	if err != nil {
		slog.Warn("keys of digests are not looked for", "cause", err.Error())
		return
	}
	more := map[string][]byte{}
	for _, keys := range []map[string][]byte{m.keys, all} { // what was once found stays
		for id, key := range keys {
			if known[id] == nil {
				more[id] = key
			}
		}
	}
	m.keys = more
}

// found are the keys that looks have found.
func (m *MoreKeys) found() map[string][]byte {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.keys
}

// knows says whether the key is known that the digest in this customer's job is made
// with; "" names none.
func (d Digester) knows(job string) bool {
	id, _, _ := strings.Cut(strings.TrimPrefix(job, store.CustomerJob("")), ".")
	return job == "" || d.Keys[id] != nil || d.More.found()[id] != nil
}

// customerJobs are the digests of a customer under all known keys, the current one's
// first, and the keys of the jobs that may be open for them: an erasure that began before
// the keys were rotated is known under an older one.
func (e Engine) customerJobs(account, code string) (digests, jobs []string) {
	digests = e.Digests.EverySubject("customer", account, code)
	jobs = make([]string, len(digests))
	for i, digest := range digests {
		jobs[i] = store.CustomerJob(digest)
	}
	return digests, jobs
}

// unknown is the answer for a customer of whom nothing stands, and nothing is known in
// any of jobs: ErrUnknownCustomer, unless it was erased lately under a key that has come
// since.
func (e Engine) unknown(ctx context.Context, account, code string, jobs []string, request string, now time.Time) error {
	e.Digests.More.look(ctx, e.Digests.Keys)
	_, all := e.customerJobs(account, code)
	more := slices.DeleteFunc(all, func(job string) bool { return slices.Contains(jobs, job) })
	known, err := e.join(ctx, "", more, request, now)
	if err == nil && known == store.Unknown {
		return ErrUnknownCustomer
	}
	return err
}
