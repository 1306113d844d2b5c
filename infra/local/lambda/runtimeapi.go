package lambda

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// maxAnswer is the largest answer Lambda takes from a function, 6 MB and a little.
const maxAnswer = 6<<20 + 100<<10

// runtimeAPI serves the Lambda Runtime API, one path per process.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func (s *Service) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	const prefix = "/{instance}/2018-06-01/runtime"
	mux.HandleFunc("GET "+prefix+"/invocation/next", s.of(serveNext))
	mux.HandleFunc("POST "+prefix+"/invocation/{request}/response", s.of(serveResponse))
	mux.HandleFunc("POST "+prefix+"/invocation/{request}/error", s.of(serveError))
	mux.HandleFunc("POST "+prefix+"/init/error", s.of(serveInitError))
	return mux
}

// of finds the process the request comes from.
func (s *Service) of(serve func(*instance, http.ResponseWriter, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, p := range s.pools {
			if i := p.instance(r.PathValue("instance")); i != nil {
				serve(i, w, r)
				return
			}
		}
		refuse(w, http.StatusForbidden, "InvalidInstance", "no such process")
	}
}

// serveNext waits for the process's next invocation.
func serveNext(i *instance, w http.ResponseWriter, r *http.Request) {
	i.asks()
	inv := i.pool.next(i)
	if inv == nil {
		return
	}
	f, account := i.pool.function, i.pool.service.opts.Account
	deadline := time.Now().Add(f.Timeout)
	if r.Context().Err() != nil || !i.begin(inv) { // the process has died before it got the invocation
		i.pool.submit(inv)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(inv.payload)))
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn",
		fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", account.Region, account.ID, f.Name))
	h.Set("Lambda-Runtime-Trace-Id", TraceRoot(time.Now())+";Sampled=0")
	_, _ = w.Write(inv.payload)
}

func serveResponse(i *instance, w http.ResponseWriter, r *http.Request) {
	answer, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer+1))
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequest", "the answer could not be read")
		return
	}
	inv := i.end(w, r)
	if inv == nil {
		return
	}
	if len(answer) > maxAnswer {
		inv.finish(nil, &Error{
			Type:    "Function.ResponseSizeTooLarge",
			Message: "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
		})
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "the answer is too large")
		return
	}
	inv.finish(answer, nil)
	accept(w)
}

// end takes the invocation that the request is about from the instance, or refuses the
// request and gives nil. The clock runs on until the process asks for its next one, as on
// Lambda.
func (i *instance) end(w http.ResponseWriter, r *http.Request) *invocation {
	i.mu.Lock()
	inv := i.current
	if inv == nil || inv.id != r.PathValue("request") {
		i.mu.Unlock()
		refuse(w, http.StatusForbidden, "InvalidRequestID", "no such invocation")
		return nil
	}
	i.current = nil
	i.mu.Unlock()
	i.pool.mu.Lock()
	defer i.pool.mu.Unlock()
	i.ready = true // whoever calls next waits for it instead of starting another process
	return inv
}

func serveError(i *instance, w http.ResponseWriter, r *http.Request) {
	failure := readError(r)
	if inv := i.end(w, r); inv != nil {
		inv.finish(nil, failure)
		accept(w)
	}
}

// serveInitError notes why the process cannot start; it ends itself next.
func serveInitError(i *instance, w http.ResponseWriter, r *http.Request) {
	i.because(readError(r))
	accept(w)
}

func readError(r *http.Request) *Error {
	failure := &Error{}
	if json.NewDecoder(io.LimitReader(r.Body, maxAnswer)).Decode(failure) != nil {
		failure.Type = ""
	}
	failure.Type = cmp.Or(failure.Type, r.Header.Get("Lambda-Runtime-Function-Error-Type"), "Unhandled")
	return failure
}

func accept(w http.ResponseWriter) {
	reply(w, http.StatusAccepted, map[string]string{"status": "OK"})
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	reply(w, status, Error{Type: kind, Message: message})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
