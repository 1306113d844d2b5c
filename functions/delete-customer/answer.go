package main

import (
	"encoding/xml"
	"net/http"
	"strings"

	"customercare/shared/respond"
)

// answer is operation 3's, a refusal included (docs/contracts.md, operation 3).
type answer struct {
	XMLName  xml.Name  `json:"-" xml:"response"`
	Status   string    `json:"status" xml:"status,attr"`
	Customer *customer `json:"customer,omitempty" xml:"customer,omitempty"`
	Error    string    `json:"error,omitempty" xml:"error,omitempty"`
}

type customer struct {
	Status string `json:"status" xml:"status,attr"`
	Code   string `json:"code" xml:"code"`
}

func deleted(code string) answer {
	return answer{Status: "success", Customer: &customer{Status: "deleted", Code: code}}
}

// shape is the family of this operation's answers. Its own refusals are 200, because real
// clients throw the body of any other status away; limits and failures of ours keep
// theirs.
var shape = respond.Shape{
	Format: format,
	Failure: func(e *respond.Error) (int, any) {
		status := http.StatusOK
		switch e.Kind {
		case respond.Internal, respond.Unavailable, respond.TooLarge, respond.TooManyRequests:
			status = e.Status()
		}
		return status, answer{Status: "error", Error: e.Sentence}
	},
}

// callbackName, of at most maxCallback characters, is what may stand in front of
// JSONP's parenthesis: anything else would let a caller put script there. The bound is no
// part of the pattern, which would take long to compile with it.
var callbackName = pattern(`^[A-Za-z_$][A-Za-z0-9_$.]*$`)

const maxCallback = 128

// format is XML unless output says JSON or a callback asks for JSONP.
func format(_ http.Header, f map[string]string) (respond.Format, error) {
	xml := respond.Format{Media: respond.XML}
	json := respond.Format{Media: respond.JSON, Indent: !strings.EqualFold(f["condensed"], "yes")}
	switch output, callback := strings.ToUpper(f["output"]), f["callback"]; {
	case output == "XML":
		return xml, nil
	case output != "" && output != "JSON":
		return xml, respond.Refuse(respond.Invalid, "output must be JSON or XML")
	case callback != "" && (len(callback) > maxCallback || !callbackName().MatchString(callback)):
		if output == "" {
			json = xml
		}
		return json, respond.Refuse(respond.Invalid, "callback must be the name of a JavaScript function")
	case callback != "":
		json.Media, json.Callback = respond.JSONP, callback
		return json, nil
	case output == "JSON":
		return json, nil
	}
	return xml, nil
}
