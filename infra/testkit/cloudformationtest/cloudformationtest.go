// Package cloudformationtest answers CloudFormation's query protocol on this machine,
// for tests of what looks a stack up. The answers have the form of AWS's own:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStackResources.html
package cloudformationtest

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Region is where the stacks are.
const Region = "eu-west-1"

// Stack is a deployed stack.
type Stack struct {
	Name, Status string
	Parameters   map[string]string
	Outputs      map[string]string
	Resources    []Resource
	PageSize     int    // resources in one answer; 0: 100, as AWS has it
	Denied       string // an action that the caller may not take, e.g. "ListStackResources"
}

// Resource is one of a stack's resources.
type Resource struct{ LogicalID, PhysicalID, Type, Status string }

// Tables are the resources of these tables, by their logical ids.
func Tables(names map[string]string) []Resource {
	var all []Resource
	for id, name := range names {
		all = append(all, Resource{id, name, "AWS::DynamoDB::Table", "CREATE_COMPLETE"})
	}
	return all
}

// Serve answers for these stacks until the test ends, and sets the variables that lead
// the AWS SDK there, with credentials that open nothing. Whatever the caller's own
// settings are, the test does not see them.
func Serve(t *testing.T, stacks ...Stack) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, answer := serve(r, stacks)
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		_ = xml.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	Unconfigured(t)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_CLOUDFORMATION": server.URL, "AWS_REGION": Region,
		"AWS_ACCESS_KEY_ID":     "AKIAIOSFODNN7EXAMPLE",
		"AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	} {
		t.Setenv(name, value)
	}
}

// Unconfigured takes every AWS setting and every variable of a deployment away until
// the test ends.
func Unconfigured(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE",
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_ENDPOINT_URL",
		"AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_CLOUDFORMATION", "AWS_ENDPOINT_URL_SECRETS_MANAGER",
		"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS",
		"STACK", "SECRETS_PORT", "PORT", "API_URL", "DYNAMODB_ENDPOINT", "DYNAMODB_PORT",
		"USERS_TABLE", "CUSTOMERS_TABLE", "CONTACTS_TABLE", "PRINCIPALS_TABLE", "ERASURES_TABLE", "RULES_TABLE",
	} {
		t.Setenv(name, "")
	}
	nowhere := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", nowhere)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", nowhere)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// serve gives the answer to a request, with its status.
func serve(r *http.Request, stacks []Stack) (int, any) {
	if !strings.Contains(r.Header.Get("Authorization"), "/"+Region+"/cloudformation/aws4_request") {
		return refusal(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
	}
	name, action := r.PostFormValue("StackName"), r.PostFormValue("Action")
	if r.PostFormValue("Version") != "2010-05-15" {
		return refusal(400, "InvalidAction", "Could not find operation "+action)
	}
	for _, s := range stacks {
		switch {
		case s.Name != name:
			continue
		case s.Denied == action:
			return refusal(403, "AccessDenied", "User: arn:aws:iam::123456789012:user/somebody is not authorized to perform:"+
				" cloudformation:"+action+" on resource: arn:aws:cloudformation:"+Region+":123456789012:stack/"+name+"/*")
		case action == "DescribeStacks":
			return 200, s.describe()
		case action == "ListStackResources":
			return s.list(r.PostFormValue("NextToken"))
		}
		return refusal(400, "InvalidAction", "Could not find operation "+action)
	}
	if action == "ListStackResources" {
		return refusal(400, "ValidationError", "Stack '"+name+"' does not exist")
	}
	return refusal(400, "ValidationError", "Stack with id "+name+" does not exist")
}

const (
	requestID = "b9b4b068-3a41-11e5-94eb-example"
	longAgo   = "2026-01-02T03:04:05.678Z"
)

// refused is the answer to a request that is refused.
type refused struct {
	XMLName   xml.Name `xml:"http://cloudformation.amazonaws.com/doc/2010-05-15/ ErrorResponse"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

func refusal(status int, code, message string) (int, any) {
	return status, refused{Type: "Sender", Code: code, Message: message, RequestID: requestID}
}

// described is the answer of DescribeStacks.
type described struct {
	XMLName   xml.Name `xml:"http://cloudformation.amazonaws.com/doc/2010-05-15/ DescribeStacksResponse"`
	Stack     stack    `xml:"DescribeStacksResult>Stacks>member"`
	RequestID string   `xml:"ResponseMetadata>RequestId"`
}

type stack struct {
	StackName, StackId, CreationTime, StackStatus string
	DisableRollback                               bool
	Parameters                                    []parameter `xml:"Parameters>member"`
	Outputs                                       []output    `xml:"Outputs>member"`
}

type parameter struct{ ParameterKey, ParameterValue string }

type output struct{ OutputKey, OutputValue, Description string }

func (s Stack) describe() described {
	d := stack{
		StackName: s.Name, StackId: "arn:aws:cloudformation:" + Region + ":123456789012:stack/" + s.Name + "/1",
		CreationTime: longAgo, StackStatus: s.Status,
	}
	for name, value := range s.Parameters {
		d.Parameters = append(d.Parameters, parameter{name, value})
	}
	for name, value := range s.Outputs {
		d.Outputs = append(d.Outputs, output{name, value, "said by the template"})
	}
	return described{Stack: d, RequestID: requestID}
}

// listed is the answer of ListStackResources.
type listed struct {
	XMLName   xml.Name  `xml:"http://cloudformation.amazonaws.com/doc/2010-05-15/ ListStackResourcesResponse"`
	Summaries []summary `xml:"ListStackResourcesResult>StackResourceSummaries>member"`
	NextToken string    `xml:"ListStackResourcesResult>NextToken,omitempty"`
	RequestID string    `xml:"ResponseMetadata>RequestId"`
}

type summary struct {
	ResourceStatus, LogicalResourceId, LastUpdatedTimestamp string

	PhysicalResourceId string `xml:",omitempty"`
	ResourceType       string
	Drift              string `xml:"DriftInformation>StackResourceDriftStatus"`
}

// list is one page; its token is the index of the next resource.
func (s Stack) list(token string) (int, any) {
	size := cmp.Or(s.PageSize, 100)
	from := 0
	if token != "" {
		var err error
		if from, err = strconv.Atoi(token); err != nil || from <= 0 || from >= len(s.Resources) {
			return refusal(400, "ValidationError", "Invalid NextToken")
		}
	}
	to := min(from+size, len(s.Resources))
	page := listed{RequestID: requestID}
	for _, r := range s.Resources[from:to] {
		page.Summaries = append(page.Summaries, summary{
			ResourceStatus: r.Status, LogicalResourceId: r.LogicalID, LastUpdatedTimestamp: longAgo,
			PhysicalResourceId: r.PhysicalID, ResourceType: r.Type, Drift: "NOT_CHECKED",
		})
	}
	if to < len(s.Resources) {
		page.NextToken = strconv.Itoa(to)
	}
	return 200, page
}
