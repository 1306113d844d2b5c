package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// standIn answers as the API does, and counts. What a row's identifier begins with says
// what becomes of it: "unknown", "odd" (refused), "held", or else erased. The account and
// the tenant "foreign" are somebody else's.
type standIn struct {
	*httptest.Server
	mu      sync.Mutex
	asked   map[string]int // by account or tenant and identifier
	lists   []int          // how long each list of numbers was
	ids     map[string]string
	looks   map[string]int // by the id of an erasure
	calls   int
	headers map[string]bool // reasons and tickets that came
	// before and after are called with the number of each call that erases, before and
	// after its effect; false breaks the connection. afterList is of
	// the lists of numbers alone, and called with the list's number.
	before, after, afterList func(n int) bool
	busy                     int          // so many calls are answered with 503
	expire                   int          // this call finds its token expired
	requests, opened         atomic.Int64 // all calls, and connections
}

const (
	bulkKey    = "the key of the API user"
	bulkSecret = "the secret of the app"
)

// serveAPI makes the stand-in that of the local stack.
func serveAPI(t *testing.T) *standIn {
	t.Helper()
	s := &standIn{asked: map[string]int{}, ids: map[string]string{}, looks: map[string]int{}, headers: map[string]bool{}}
	s.before = func(int) bool { return true }
	s.after, s.afterList = s.before, s.before
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/erasures/preview", s.preview)
	mux.HandleFunc("POST /v1/api.php", s.customer)
	mux.HandleFunc("POST /v1/apigovernance/api/oauth/tokenByAkSk", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Secret string `json:"app_secret"`
		}
		if _ = json.NewDecoder(r.Body).Decode(&body); body.Secret != bulkSecret {
			w.WriteHeader(401)
			return
		}
		fmt.Fprint(w, `{"AccessToken":"a-token"}`)
	})
	mux.HandleFunc("POST /v1/apiaccess/CC-Management/v1/clearUserInfo/cleancustpersonaldata", s.numbers)
	mux.HandleFunc("POST /v1/erasures/{id}/subjects", s.subjects)
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		mux.ServeHTTP(w, r)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.opened.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	t.Setenv("STACK", "")
	t.Setenv("DYNAMODB_ENDPOINT", s.URL) // which the command only connects to
	t.Setenv("API_URL", s.URL+"/v1/")
	t.Setenv("API_USER_KEY", bulkKey)
	t.Setenv("APP_SECRET", bulkSecret)
	return s
}

func letIn(r *http.Request) bool {
	_, key, basic := r.BasicAuth()
	return basic && key == bulkKey || r.Header.Get("Authorization") == "Bearer a-token"
}

func (s *standIn) preview(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Customer struct{ AccountID string }
		Numbers  struct{ TenantID string }
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	switch {
	case !letIn(r):
		w.WriteHeader(401)
	case body.Customer.AccountID+body.Numbers.TenantID == "foreign":
		w.WriteHeader(403)
	}
}

// begin counts a call that erases; false: it has been answered.
func (s *standIn) begin(w http.ResponseWriter, r *http.Request) (call int, on bool) {
	s.mu.Lock()
	s.calls++
	call = s.calls
	s.headers[r.Header.Get("X-Erasure-Reason")+"|"+r.Header.Get("X-Erasure-Ticket")] = true
	busy := s.busy > 0
	if busy {
		s.busy--
	}
	s.mu.Unlock()
	if !s.before(call) {
		panic(http.ErrAbortHandler)
	}
	if busy {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(503)
	}
	return call, !busy
}

// erase notes that a subject was asked for, and gives the erasure's id, the same as
// before.
func (s *standIn) erase(of string) string {
	s.asked[of]++
	if s.ids[of] == "" {
		s.ids[of] = fmt.Sprintf("20261127T101112Z-%016x", len(s.ids))
	}
	return s.ids[of]
}

func (s *standIn) customer(w http.ResponseWriter, r *http.Request) {
	call, on := s.begin(w, r)
	if !on {
		return
	}
	code := r.PostFormValue("code")
	s.mu.Lock()
	id := s.erase(r.PostFormValue("account_id") + "/" + code)
	s.mu.Unlock()
	if !s.after(call) {
		panic(http.ErrAbortHandler)
	}
	switch {
	case r.PostFormValue("user_password") != bulkKey || r.PostFormValue("user_id") != "john":
		fmt.Fprint(w, `{"status":"error","error":"user_id, user_password or account_id is wrong"}`)
	case strings.HasPrefix(code, "unknown"):
		fmt.Fprint(w, `{"status":"error","error":"code is not the code of a customer of this account"}`)
	case strings.HasPrefix(code, "odd"):
		fmt.Fprint(w, `{"status":"error","error":"code is odd"}`)
	default:
		w.Header().Set("Link", "</v1/erasures/"+id+`>; rel="status"`)
		fmt.Fprint(w, `{"status":"success","customer":{"status":"deleted","code":"x"}}`)
	}
}

func (s *standIn) numbers(w http.ResponseWriter, r *http.Request) {
	call, on := s.begin(w, r)
	if !on {
		return
	}
	var body struct{ CustomNos []string }
	_ = json.NewDecoder(r.Body).Decode(&body)
	if !letIn(r) || call == s.expire {
		w.WriteHeader(401)
		return
	}
	for _, number := range body.CustomNos {
		if strings.HasPrefix(number, "odd") {
			w.WriteHeader(400)
			fmt.Fprint(w, `{"retCode":"400","retMsg":"customNos[0] is odd"}`)
			return
		}
	}
	s.mu.Lock()
	id := s.erase("list/" + strings.Join(body.CustomNos, ","))
	for _, number := range body.CustomNos {
		s.asked["acme/"+number]++
	}
	s.lists = append(s.lists, len(body.CustomNos))
	lists := len(s.lists)
	s.mu.Unlock()
	if !s.after(call) || !s.afterList(lists) {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Link", "</v1/erasures/"+id+`>; rel="status"`)
	fmt.Fprint(w, `{"retCode":"0","retMsg":"VerifyParams success"}`)
}

// subjects says at the first look that the erasure goes on.
func (s *standIn) subjects(w http.ResponseWriter, r *http.Request) {
	var body struct{ Subjects []string }
	_ = json.NewDecoder(r.Body).Decode(&body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks[r.PathValue("id")]++
	type subject struct {
		Subject string `json:"subject"`
		Outcome string `json:"outcome"`
	}
	var answer struct {
		Subjects []subject `json:"subjects"`
	}
	for _, id := range body.Subjects {
		outcome := "erased"
		switch {
		case !letIn(r):
			w.WriteHeader(401)
			return
		case s.looks[r.PathValue("id")] == 1:
			outcome = "accepted"
		case strings.HasPrefix(id, "held"):
			outcome = "held"
		case strings.HasPrefix(id, "unknown"):
			outcome = "not_found"
		case strings.HasPrefix(id, "gone"):
			w.WriteHeader(410)
			fmt.Fprint(w, `{"detail":"the key is gone"}`)
			return
		}
		answer.Subjects = append(answer.Subjects, subject{id, outcome})
	}
	_ = json.NewEncoder(w).Encode(answer)
}
