package respond

import (
	"encoding/xml"
	"net/http"
	"strconv"
)

// A Shape is the family of answers of one operation: how a request's format is chosen,
// and what a failure looks like in it.
type Shape struct {
	// Format says how the answer is written, by the request's header and by the fields of
	// its form, for operations whose body is one. With an error, the answer is that
	// error, in the format given beside it.
	Format func(header http.Header, form map[string]string) (Format, error)
	// Failure gives the status and the body of an error's answer.
	Failure func(*Error) (status int, body any)
	// Encoded is the kind of a failure whose cause is the Content-Encoding; the zero
	// value stands for Invalid.
	Encoded Kind
}

// StatusResponse is the answer of operations 1 and 2, failures included
// (docs/contracts.md, operations 1 and 2).
type StatusResponse struct {
	XMLName         xml.Name `json:"-" xml:"StatusResponse"`
	ResponseCode    string   `json:"responseCode" xml:"responseCode"`
	ResponseMessage string   `json:"responseMessage" xml:"responseMessage"`
	SessionID       string   `json:"sessionId,omitempty" xml:"sessionId,omitempty"`
	Status          bool     `json:"status" xml:"status"`
}

// Done is the success of operations 1 and 2.
var Done = StatusResponse{ResponseCode: "0", Status: true}

// Provision is the shape of operations 1 and 2.
var Provision = Shape{
	Format: negotiate, Encoded: UnsupportedMedia,
	Failure: func(e *Error) (int, any) {
		return e.Status(), StatusResponse{ResponseCode: strconv.Itoa(e.Status()), ResponseMessage: e.Sentence}
	},
}

// Result is the answer of operation 4 and of failures of operation 5.
type Result struct {
	RetCode string `json:"retCode"`
	RetMsg  string `json:"retMsg"`
}

// Verified is operation 4's success, word for word as documented.
var Verified = Result{RetCode: "0", RetMsg: "VerifyParams success"}

// App is the shape of operations 4 and 5: JSON only. Their documents have one status for
// failures of ours, 500.
var App = Shape{
	Format: func(http.Header, map[string]string) (Format, error) { return Format{}, nil },
	Failure: func(e *Error) (int, any) {
		status := e.Status()
		if e.Kind == Unavailable {
			status = http.StatusInternalServerError
		}
		return status, Result{RetCode: strconv.Itoa(status), RetMsg: e.Sentence}
	},
}
