package dynamotest

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
)

// Weather is a transport in front of the real engine, in bad weather: DynamoDB takes only
// a part of some batches, and fails now and then, before or after it has done a call. All
// of it is in the contract of DynamoDB's API, and none of it means that something is
// wrong with the call.
type Weather struct {
	Next http.RoundTripper

	mu     sync.Mutex
	random *rand.Rand // nil: the weather is good
	shown  map[string]int
}

// The weather: of how many batches one is not taken whole, of how many of its items one
// is left, and of how many calls one fails before and one after the effect.
const (
	batchesForOneInPart = 4
	itemsForOneLeft     = 3
	callsForOneFailure  = 50
)

// NewWeather starts a server in front of the engine at endpoint. Its caller closes it.
// The weather is good until Begin.
func NewWeather(endpoint string) (*httptest.Server, *Weather, error) {
	to, err := url.Parse(endpoint)
	if err != nil {
		return nil, nil, err
	}
	w := &Weather{Next: http.DefaultTransport}
	pass := httputil.NewSingleHostReverseProxy(to) // no engine looks at the signature
	pass.Transport = w
	return httptest.NewServer(pass), w, nil
}

// Begin begins the bad weather of this seed: the same calls meet the same.
func (w *Weather) Begin(seed uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.random, w.shown = rand.New(rand.NewPCG(seed, 0)), map[string]int{}
}

// End lets the weather be good.
func (w *Weather) End() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.random = nil
}

// Shown is how often each part of the weather has come since it began: "in part",
// "before", "after".
func (w *Weather) Shown() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.shown)
}

// one is true for one of so many, by chance.
func (w *Weather) one(of int, what string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	is := w.random != nil && w.random.IntN(of) == 0
	if is && what != "" {
		w.shown[what]++
	}
	return is
}

// RoundTrip sends a call to the engine, as the weather lets it.
func (w *Weather) RoundTrip(r *http.Request) (*http.Response, error) {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch {
	case w.one(callsForOneFailure, "before"):
		return failure(r, http.StatusInternalServerError, "InternalServerError"), nil
	case w.one(callsForOneFailure, "after"):
		done, err := w.Next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		done.Body.Close()
		return failure(r, http.StatusInternalServerError, "InternalServerError"), nil
	case action == "BatchWriteItem" && w.one(batchesForOneInPart, "in part"):
		return w.inPart(r)
	}
	return w.Next.RoundTrip(r)
}

// inPart sends some of a batch's requests, one at least, and answers that the others were
// left unprocessed.
func (w *Weather) inPart(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var batch struct{ RequestItems map[string][]json.RawMessage }
	if err := json.Unmarshal(body, &batch); err != nil {
		return nil, err
	}
	left := map[string][]json.RawMessage{}
	for table, requests := range batch.RequestItems {
		var taken []json.RawMessage
		for i, request := range requests {
			if i > 0 && w.one(itemsForOneLeft, "") {
				left[table] = append(left[table], request)
			} else {
				taken = append(taken, request)
			}
		}
		batch.RequestItems[table] = taken
	}
	sent, err := json.Marshal(batch)
	if err != nil {
		return nil, err
	}
	again := r.Clone(r.Context())
	again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(sent)), int64(len(sent))
	done, err := w.Next.RoundTrip(again)
	if err != nil || done.StatusCode != http.StatusOK {
		return done, err
	}
	done.Body.Close()
	return answer(r, http.StatusOK, map[string]any{"UnprocessedItems": left}), nil
}
