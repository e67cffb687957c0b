// Command main watches a curator as a client of the origin does: the messages are those of
// origin.proto, the transport is grpc-go, and nothing of Hamlet's own code is involved. It prints one
// line of JSON for each event until its standard input ends.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"os"

	"github.com/bufbuild/protocompile"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

const service = "metropolis.node.core.curator.proto.api.Curator"

func main() {
	if len(os.Args) != 7 {
		fatal(fmt.Errorf("usage: main ADDRESS SERVER CA CERT KEY REQUEST"))
	}
	address, server, ca, cert, key, request := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6]
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if err := watch(ctx, address, server, ca, cert, key, request); err != nil && ctx.Err() == nil {
		fatal(err)
	}
}

func watch(ctx context.Context, address, server, ca, cert, key, request string) error {
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{})}
	files, err := compiler.Compile(ctx, "origin.proto")
	if err != nil {
		return err
	}
	method := files[0].Services().ByName("Curator").Methods().ByName("Watch")

	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return err
	}
	authority, err := os.ReadFile(ca)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{pair},
		RootCAs:      roots,
		ServerName:   server,
	})))
	if err != nil {
		return err
	}
	defer conn.Close()

	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/"+service+"/Watch")
	if err != nil {
		return err
	}
	sent := message(method.Input())
	if err := protojson.Unmarshal([]byte(request), sent); err != nil {
		return err
	}
	if err := stream.SendMsg(sent); err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	for {
		event := message(method.Output())
		if err := stream.RecvMsg(event); err != nil {
			return err
		}
		text, err := protojson.Marshal(event)
		if err != nil {
			return err
		}
		fmt.Println(string(text))
	}
}

func message(descriptor protoreflect.MessageDescriptor) *dynamicpb.Message {
	return dynamicpb.NewMessage(descriptor)
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
