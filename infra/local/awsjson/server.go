// Package awsjson serves AWS JSON 1.1, the protocol of Secrets Manager and of KMS, for
// the stand-ins of both. It looks at no signature, but takes from it who asked.
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
package awsjson

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Refusal is an error answer, all of them with status 400 as all are the caller's.
type Refusal struct {
	Type    string `json:"__type"`
	Message string `json:"Message,omitempty"`
}

// UnknownOperation refuses an action that is not offered.
func UnknownOperation() *Refusal { return &Refusal{Type: "UnknownOperationException"} }

// Call is a signed request for an action.
type Call struct {
	AccessKeyID string // who asked, as the signature says
	Action      string // e.g. GetSecretValue
	body        []byte
}

// Read lays the call's input over what into points to.
func (c Call) Read(into any) *Refusal {
	if json.Unmarshal(c.body, into) != nil {
		return &Refusal{Type: "SerializationException"}
	}
	return nil
}

// Server answers the calls to one service.
type Server struct {
	URL    string // http://127.0.0.1:<port>
	server *http.Server
}

// Serve answers at the listener until Close. service stands before an action in
// X-Amz-Target; answer gives the output of a call, as a value for JSON, or refuses it. It
// is called from many goroutines at once.
func Serve(listener net.Listener, service string, answer func(Call) (any, *Refusal)) *Server {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call, refused := read(r, service)
		var output any
		if refused == nil {
			output, refused = answer(call)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.Header().Set("X-Amzn-Requestid", strings.ToLower(rand.Text()))
		if refused != nil {
			w.WriteHeader(http.StatusBadRequest)
			output = refused
		}
		_ = json.NewEncoder(w).Encode(output)
	})
	s := &Server{
		URL:    "http://" + listener.Addr().String(),
		server: &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second},
	}
	go func() { _ = s.server.Serve(listener) }()
	return s
}

// Close ends the server.
func (s *Server) Close() { _ = s.server.Close() }

// maxRequest is how large a request may be; one for a secret is a few hundred bytes, one
// for a signature less than 6 KB.
const maxRequest = 64 << 10

func read(r *http.Request, service string) (Call, *Refusal) {
	named, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if r.Method != http.MethodPost || named != service || action == "" {
		return Call{}, UnknownOperation()
	}
	caller := AccessKeyID(r)
	if caller == "" {
		return Call{}, &Refusal{"MissingAuthenticationTokenException", "Missing Authentication Token"}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil || !json.Valid(body) {
		return Call{}, &Refusal{Type: "SerializationException"}
	}
	return Call{caller, action, body}, nil
}

// credential is who signed a request (Signature Version 4).
var credential = regexp.MustCompile(`^AWS4-HMAC-SHA256 (?:.*, *)?Credential=([^/,]*)`)

// AccessKeyID is what a request to any service of AWS is signed with, empty when it is
// not signed.
func AccessKeyID(r *http.Request) string {
	if found := credential.FindStringSubmatch(r.Header.Get("Authorization")); found != nil {
		return found[1]
	}
	return ""
}
