package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/shared/store"
)

// localEndpoint is where `make run` has DynamoDB Local, with the same DYNAMODB_PORT.
func localEndpoint() string {
	return "http://127.0.0.1:" + cmp.Or(os.Getenv("DYNAMODB_PORT"), "8000")
}

// connect makes the client, and says where it writes to. It does not call DynamoDB yet, but sees
// that an endpoint of one's own is there at all: most often it is just not started.
func connect(ctx context.Context) (*dynamodb.Client, string, error) {
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	switch endpoint {
	case "":
		endpoint = localEndpoint()
	case "aws":
		return connectAWS(ctx)
	}
	u, err := url.Parse(endpoint)
	switch {
	case err == nil && strings.HasSuffix(u.Hostname(), ".amazonaws.com"):
		return connectAWS(ctx, func(o *dynamodb.Options) { o.BaseEndpoint = &endpoint })
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, "", errors.New(`DYNAMODB_ENDPOINT must be an address like http://127.0.0.1:8000, or the word "aws"`)
	}
	port := u.Port()
	if port == "" {
		port = u.Scheme // net knows the ports of http and https
	}
	probe := net.Dialer{Timeout: 5 * time.Second}
	connection, err := probe.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, "", fmt.Errorf("nothing answers at %s: start the local stack with `make run`, or set DYNAMODB_ENDPOINT", u.Host)
	}
	_ = connection.Close()
	// An endpoint of one's own takes any credentials: DynamoDB Local with -sharedDb shows all the same tables.
	settings := aws.Config{
		Region: "local",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	}
	return dynamodb.NewFromConfig(settings, store.Options, func(o *dynamodb.Options) {
		o.BaseEndpoint = &endpoint
	}), endpoint, nil
}

func connectAWS(ctx context.Context, more ...func(*dynamodb.Options)) (*dynamodb.Client, string, error) {
	settings, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("the AWS settings cannot be read: %w", err)
	}
	if settings.Region == "" {
		return nil, "", errors.New("no AWS region is set: set AWS_REGION")
	}
	if _, err := settings.Credentials.Retrieve(ctx); err != nil {
		return nil, "", errors.New("no AWS credentials are found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	return dynamodb.NewFromConfig(settings, append(more, store.Options)...), "AWS " + settings.Region, nil
}
