package probe

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Operations 1 and 2, delete customer info and set a temporary allow: what they refuse.

const (
	xmlHead  = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`
	doneJSON = `{"responseCode":"0","responseMessage":"","status":true}`
	doneXML  = xmlHead + "\n" + `<StatusResponse><responseCode>0</responseCode><responseMessage></responseMessage><status>true</status></StatusResponse>`

	acceptJSON, acceptXML = "Accept: " + jsonType, "Accept: " + xmlType
	bodyJSON, bodyXML     = "Content-Type: " + jsonType, "Content-Type: " + xmlType

	basicChallenge = `Basic realm="customercare"`
)

var bases = []string{"/customercare", "/risk-cc/customercare"}

// at is the path of a user under one of the base paths.
func (p *probe) at(base int, user string) string {
	return bases[base] + "/v1/" + url.PathEscape(user) + "/provision"
}

// csr is the header of our operator.
func (p *probe) csr() string { return basic(p.operator, p.password) }

func (p *probe) provisionRefusals() []check {
	return []check{
		{"operations 1 and 2 refuse a call without Authorization", func(ctx context.Context) error { return p.notLetIn(ctx, "X-No: authorization") }, false},
		{"operations 1 and 2 refuse a wrong password", func(ctx context.Context) error { return p.notLetIn(ctx, basic(p.operator, p.key)) }, false},
		{"operations 1 and 2 refuse an app's token", func(ctx context.Context) error { return p.notLetIn(ctx, "Authorization: Bearer "+p.token) }, false},
		{"an unknown customer ID is a 404", func(ctx context.Context) error {
			return p.refuses(ctx, 404, "Customer ID not found", "DELETE", p.at(0, p.user+"-nobody")+"?reset=true", "")
		}, false},
		{"deleting nothing is a 400", func(ctx context.Context) error {
			return p.refuses(ctx, 400, "unregisterDevices", "DELETE", p.at(1, p.user)+"?reset=false", "")
		}, false},
		{"an unknown tempAllowType is a 400", func(ctx context.Context) error {
			return p.refuses(ctx, 400, "tempAllowType", "PUT", p.at(0, p.user), `{"tempAllowType":`+p.unknownType()+`}`, bodyJSON)
		}, false},
		{"an expirationDate in the past is a 400", func(ctx context.Context) error {
			return p.refuses(ctx, 400, "expirationDate", "PUT", p.at(1, p.user), allowXML(p.allowTypes()[0], "2021-10-15T01:29:29.768Z"), bodyXML)
		}, false},
		{"a method that is not offered is a 405", func(ctx context.Context) error {
			return p.refuses(ctx, 405, "DELETE", "GET", p.at(0, p.user)+"?reset=true", "")
		}, false},
		{"a body in another type is a 415", func(ctx context.Context) error {
			return p.refuses(ctx, 415, "Content-Type", "PUT", p.at(1, p.user), `{"tempAllowType":`+p.allowTypes()[0]+`}`, "Content-Type: text/plain")
		}, false},
		{"an impossible Accept is a 406", func(ctx context.Context) error {
			a, err := p.send(ctx, "DELETE", p.at(0, p.user)+"?reset=true", "", p.csr(), "Accept: text/html")
			if err != nil {
				return err
			}
			return a.refused(jsonType, 406, "Accept")
		}, false},
	}
}

// notLetIn checks that neither operation does anything with this Authorization header. Only two calls, because a few wrong
// passwords lock this machine's address out.
func (p *probe) notLetIn(ctx context.Context, header string) error {
	for _, c := range []struct{ method, path, body, accept string }{
		{"DELETE", p.at(0, p.user) + "?unregisterDevices=true", "", acceptJSON},
		{"PUT", p.at(1, p.user), `{"tempAllowType":` + p.allowTypes()[0] + `}`, acceptXML},
	} {
		a, err := p.send(ctx, c.method, c.path, c.body, header, c.accept, bodyJSON)
		if err == nil {
			err = p.fromGateway(a, 401)
		}
		if err == nil {
			err = p.challenged(a, basicChallenge)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.method, err)
		}
	}
	return nil
}

// refuses checks that our operator's call is refused, in both formats, with a sentence that holds the word.
func (p *probe) refuses(ctx context.Context, status int, word, method, path, body string, headers ...string) error {
	for accept, mediaType := range map[string]string{acceptJSON: jsonType, acceptXML: xmlType} {
		a, err := p.send(ctx, method, path, body, append(headers, accept, p.csr())...)
		if err != nil {
			return err
		}
		if err := a.refused(mediaType, status, word); err != nil {
			return err
		}
		if allow := a.header.Get("Allow"); status == 405 && allow != "DELETE, PUT" {
			return fmt.Errorf("the header Allow is %q: %s", allow, a)
		}
	}
	return nil
}

var refusedShapes = map[string]*regexp.Regexp{
	jsonType: regexp.MustCompile(`^\{"responseCode":"(\d{3})","responseMessage":"((?:[^"\\]|\\.)+)","status":false\}$`),
	xmlType: regexp.MustCompile(`^` + regexp.QuoteMeta(xmlHead) + `\s*<StatusResponse><responseCode>(\d{3})</responseCode>` +
		`<responseMessage>([^<>]+)</responseMessage><status>false</status></StatusResponse>$`),
}

// refused checks that an answer is a function's failure of operations 1 and 2.
func (a answer) refused(mediaType string, status int, word string) error {
	groups, err := a.matches(status, mediaType, refusedShapes[mediaType])
	if err == nil && (groups[1] != strconv.Itoa(status) || !strings.Contains(groups[2], word)) {
		err = fmt.Errorf("got %s, want the code %d and a sentence with %s", a, status, word)
	}
	return err
}

// fromGateway checks an answer that API Gateway gives by itself. In which of the formats, it alone decides; of the fields,
// those of one of the families must be there.
func (p *probe) fromGateway(a answer, status int) error {
	if a.status != status {
		return fmt.Errorf("got %s, want %d", a, status)
	}
	if err := a.hasType(jsonType, xmlType); err != nil {
		return err
	}
	var inJSON struct {
		ResponseCode, ResponseMessage, RetCode, RetMsg string
		Status                                         bool
	}
	var inXML struct {
		XMLName xml.Name `xml:"StatusResponse"`
		Code    string   `xml:"responseCode"`
		Message string   `xml:"responseMessage"`
		Status  string   `xml:"status"`
	}
	code := strconv.Itoa(status)
	switch {
	case json.Unmarshal([]byte(a.body), &inJSON) == nil:
		p.note("%d in JSON", status)
		provision := inJSON.ResponseCode == code && inJSON.ResponseMessage != "" && !inJSON.Status
		if !provision && (inJSON.RetCode != code || inJSON.RetMsg == "") {
			return fmt.Errorf("got %s, want the fields of a refusal", a)
		}
	case xml.Unmarshal([]byte(a.body), &inXML) == nil:
		p.note("%d in XML", status)
		if inXML.Code != code || inXML.Message == "" || inXML.Status != "false" {
			return fmt.Errorf("got %s, want the elements of a refusal", a)
		}
	default:
		return fmt.Errorf("got %s, want JSON or XML", a)
	}
	return a.secured()
}

func (p *probe) unknownPath(ctx context.Context) error {
	for _, headers := range [][]string{{acceptJSON}, {acceptXML}, {acceptJSON, p.csr()}} {
		a, err := p.send(ctx, "POST", "/customercare/v1/nothing", "", headers...)
		if err != nil {
			return err
		}
		want := 404
		if len(headers) > 1 && a.status == 400 {
			// Where there is no route, API Gateway takes Authorization for a signature of its own, and not every fault that
			// it finds in one has an answer that the template can choose.
			p.note("400 with Authorization")
			want = 400
		}
		if err := p.fromGateway(a, want); err != nil {
			return err
		}
	}
	return nil
}
