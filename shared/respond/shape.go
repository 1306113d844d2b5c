package respond

import (
	"encoding/xml"
	"net/http"
	"strconv"
)

// A Shape is the family of answers one operation speaks: how a request's format is chosen, and what a failure
// looks like in it.
type Shape struct {
	// Format reads from the request what the answer must look like. With an error, the answer is that error,
	// in the format returned beside it. The request's body is bounded and may be read: it is rewound afterwards.
	Format func(*http.Request) (Format, *Error)
	// Failure gives the status and the body of an error's answer.
	Failure func(*Error) (status int, body any)
	// Encoded is the kind of a failure whose cause is the Content-Encoding; the zero value stands
	// for Invalid.
	Encoded Kind
}

// StatusResponse is the answer of operations 1 and 2, failures included (contracts, "1 and 2: provision").
type StatusResponse struct {
	XMLName         xml.Name `json:"-" xml:"StatusResponse"`
	ResponseCode    string   `json:"responseCode" xml:"responseCode"`
	ResponseMessage string   `json:"responseMessage" xml:"responseMessage"`
	SessionID       string   `json:"sessionId,omitempty" xml:"sessionId,omitempty"`
	Status          bool     `json:"status" xml:"status"`
}

// Done is operations 1 and 2's success.
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

// App is the shape of operations 4 and 5: JSON only. Their documents know one status for failures of ours, 500.
var App = Shape{
	Format: func(*http.Request) (Format, *Error) { return Format{}, nil },
	Failure: func(e *Error) (int, any) {
		status := e.Status()
		if e.Kind == Unavailable {
			status = http.StatusInternalServerError
		}
		return status, Result{RetCode: strconv.Itoa(status), RetMsg: e.Sentence}
	},
}
