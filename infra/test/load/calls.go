package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
)

const (
	xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

	inJSON, inXML    = "application/json", "application/xml"
	bodyJSON         = "Content-Type: application/json"
	bodyXML          = "Content-Type: application/xml"
	acceptXML        = "Accept: application/xml"
	urlencoded       = "Content-Type: application/x-www-form-urlencoded"
	tokenPath        = "/apigovernance/api/oauth/tokenByAkSk"
	cleanPath        = "/apiaccess/CC-Management/v1/clearUserInfo/cleancustpersonaldata"
	deletionsOfUsers = "DELETE of a user"
)

func basic(name, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

// provision is a call of operation 1 or 2, every other one under the other base path and every third in XML.
func (p *plan) provision(operation, method, user, query, body string, status int, sentence string) *call {
	turn := p.turns(method)
	base := []string{"/customercare", "/risk-cc/customercare"}[turn%2]
	c := &call{
		operation: operation, method: method, path: base + "/v1/" + url.PathEscape(user) + "/provision" + query, body: body,
		headers: []string{basic(operator, password)},
	}
	code, done := fmt.Sprint(status), "false"
	if status == http.StatusOK {
		code, done = "0", "true"
	}
	if turn%3 == 0 {
		c.headers = append(c.headers, acceptXML)
		c.want = answer{status: status, media: inXML, body: xmlHead + "<StatusResponse><responseCode>" + code + "</responseCode><responseMessage>" +
			sentence + "</responseMessage><status>" + done + "</status></StatusResponse>"}
	} else {
		c.want = answer{status: status, media: inJSON, body: `{"responseCode":"` + code + `","responseMessage":"` + sentence + `","status":` + done + `}`}
	}
	return c
}

func (p *plan) deleteInfo() *call {
	turn := p.turns(deletionsOfUsers)
	kind := deletions[turn%len(deletions)]
	user := userOf(kind, turn/len(deletions)%usersOfKind)
	c := p.provision(deleteInfo, "DELETE", user, "?"+kind+"=true", "", 200, "")
	c.effect = func(b *book) { b.users[user] = true }
	return c
}

func (p *plan) unknownUser() *call {
	return p.provision(deleteInfo, "DELETE", "nobody", "?reset=true", "", 404, "Customer ID not found")
}

// nobody has no Authorization at all: API Gateway refuses by itself.
func (p *plan) nobody() *call {
	c := p.provision(deleteInfo, "DELETE", userOf(deletions[0], 0), "?reset=true", "", 401, "Authorization is missing or wrong")
	c.headers, c.want = nil, p.m.gateway("UNAUTHORIZED", 401)
	return c
}

func (p *plan) wrongPassword() *call {
	c := p.nobody()
	c.headers = []string{basic(operator, "wrong")}
	return c
}

func (p *plan) setAllow() *call {
	turn := p.turns("allow")
	user := userOf(allowed, turn%usersOfKind)
	kind, expires := fmt.Sprint(turn%3+1), p.m.expires.Format("2006-01-02T15:04:05.000Z")
	body, header := `{"tempAllowType":`+kind+`,"expirationDate":"`+expires+`"}`, bodyJSON
	if turn%5 == 0 {
		body, header = "<TempAllowRequest><tempAllowType>"+kind+"</tempAllowType><expirationDate>"+expires+"</expirationDate></TempAllowRequest>", bodyXML
	}
	c := p.provision(setAllow, "PUT", user, "", body, 200, "")
	if header == bodyXML { // without Accept the answer follows the body
		c.want.media, c.want.body = inXML, xmlHead+"<StatusResponse><responseCode>0</responseCode><responseMessage></responseMessage><status>true</status></StatusResponse>"
	}
	c.headers = append(c.headers, header)
	c.effect = func(b *book) { b.users[user], b.allows[user+" "+kind] = true, true }
	return c
}

func (p *plan) wrongAllow() *call {
	c := p.provision(setAllow, "PUT", userOf(allowed, 0), "", `{"tempAllowType":9}`, 400, "tempAllowType must be an integer, one of 1, 2, 3")
	c.headers = append(c.headers, bodyJSON)
	return c
}

// remove is a call of operation 3, in turn under both paths and in all formats.
func (p *plan) remove(code, key, sentence string) *call {
	turn := p.turns(deleteCustomer)
	form := url.Values{"user_id": {apiUser}, "user_password": {key}, "type": {"customer_delete"}, "account_id": {account}, "code": {code}, "API": {"1.6"}}
	c := &call{operation: deleteCustomer, method: "POST", path: []string{"/", "/api.php"}[turn%2], headers: []string{urlencoded}}
	inner := `"status":"success","customer":{"status":"deleted","code":"` + code + `"}`
	text := `<response status="success"><customer status="deleted"><code>` + code + `</code></customer></response>`
	if sentence != "" {
		inner, text = `"status":"error","error":"`+sentence+`"`, `<response status="error"><error>`+sentence+`</error></response>`
	}
	c.want = answer{status: 200, media: inXML, body: xmlHead + text}
	switch turn % 3 {
	case 1:
		form.Set("output", "JSON")
		form.Set("condensed", "yes")
		c.want.media, c.want.body = inJSON, "{"+inner+"}"
	case 2:
		form.Set("callback", "cb")
		form.Set("condensed", "yes")
		c.want.media, c.want.body = "application/javascript", "/**/cb({"+inner+"});"
	}
	c.body = form.Encode()
	return c
}

func (p *plan) deleteCustomer() *call {
	n := p.turns("codes")
	if n >= p.m.codes {
		return nil
	}
	c := p.remove(codeOf(n), key, "")
	c.effect = func(b *book) { b.codes[codeOf(n)] = true }
	return c
}

// deleteAgain repeats a deletion, which may be under way, done, or refused for the rate: then this one does it.
func (p *plan) deleteAgain() *call {
	last := p.turn["codes"] - 1
	if last < 0 {
		return p.unknownCode()
	}
	n := max(0, last-p.random.IntN(20))
	c := p.remove(codeOf(n), key, "")
	c.effect = func(b *book) { b.codes[codeOf(n)] = true }
	return c
}

func (p *plan) unknownCode() *call {
	return p.remove("0"+codeOf(0), key, "code is not the code of a customer of this account")
}

func (p *plan) wrongKey() *call {
	return p.remove(neighbourCode(0), "wrong", "user_id, user_password or account_id is wrong")
}

func (p *plan) clean() *call {
	n := p.turns("numbers")
	if n >= p.m.cleans {
		return nil
	}
	numbers := numbersOf(n)
	body, _ := json.Marshal(map[string][]string{"customNos": slices.Concat(numbers, []string{"nobody's", numbers[0]})}) // texts: it cannot fail
	return &call{
		operation: cleanData, method: "POST", path: cleanPath, body: string(body),
		headers: []string{"Authorization: Bearer " + p.m.token, bodyJSON},
		want:    answer{status: 200, media: inJSON, body: `{"retCode":"0","retMsg":"VerifyParams success"}`},
		effect: func(b *book) {
			b.cleans++
			for _, number := range numbers {
				b.numbers[number] = true
			}
		},
	}
}

func (p *plan) wrongToken() *call {
	return &call{
		operation: cleanData, method: "POST", path: cleanPath, body: `{"customNos":["` + stranger + `"]}`,
		headers: []string{"Authorization: Bearer wrong", bodyJSON}, want: p.m.gateway("ACCESS_DENIED", 401),
	}
}

var rightToken = regexp.MustCompile(`^\{"AccessToken":"[^"]{32,}","ApplyType":"Bearer","CreateTime":"\d{10}","Expires":"600","Scope":"[^"]+","AppKey":"` + app + `","UserID":"Anonymous"\}$`)

func (p *plan) token() *call {
	return &call{
		operation: issueToken, method: "POST", path: tokenPath, body: `{"app_key":"` + app + `","app_secret":"` + secret + `"}`,
		headers: []string{bodyJSON}, want: answer{status: 200, media: inJSON, pattern: rightToken},
	}
}

func (p *plan) wrongSecret() *call {
	return &call{
		operation: issueToken, method: "POST", path: tokenPath, body: `{"app_key":"` + app + `","app_secret":"wrong"}`,
		headers: []string{bodyJSON}, want: answer{status: 401, media: inJSON, body: `{"retCode":"401","retMsg":"app_key or app_secret is wrong"}`},
	}
}
