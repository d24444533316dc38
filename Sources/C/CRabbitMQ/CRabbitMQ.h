#pragma once

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stddef.h>

// What Swift cannot call: amqp_login_with_properties is variadic. The capabilities named here are a promise to the
// broker; without them it never sends connection.blocked, basic.cancel or basic.nack, and answers a wrong password by
// closing the socket without a word.
static inline amqp_rpc_reply_t crabbitmq_login(amqp_connection_state_t state, const char *virtual_host, int heartbeat,
                                               const char *connection_name, const char *user, const char *password) {
    static const char *const promised[] = {"authentication_failure_close", "basic.nack", "connection.blocked",
                                           "consumer_cancel_notify", "publisher_confirms"};
    enum { count = sizeof promised / sizeof promised[0] };
    amqp_table_entry_t capabilities[count];
    for (size_t i = 0; i < count; i++) {
        capabilities[i].key = amqp_cstring_bytes(promised[i]);
        capabilities[i].value.kind = AMQP_FIELD_KIND_BOOLEAN;
        capabilities[i].value.value.boolean = 1;
    }
    amqp_table_entry_t entries[3];
    entries[0].key = amqp_cstring_bytes("product");
    entries[0].value.kind = AMQP_FIELD_KIND_UTF8;
    entries[0].value.value.bytes = amqp_cstring_bytes("slipway");
    entries[1].key = amqp_cstring_bytes("connection_name");
    entries[1].value.kind = AMQP_FIELD_KIND_UTF8;
    entries[1].value.value.bytes = amqp_cstring_bytes(connection_name);
    entries[2].key = amqp_cstring_bytes("capabilities");
    entries[2].value.kind = AMQP_FIELD_KIND_TABLE;
    entries[2].value.value.table.num_entries = count;
    entries[2].value.value.table.entries = capabilities;
    amqp_table_t properties = {3, entries};
    return amqp_login_with_properties(state, virtual_host, 8, AMQP_DEFAULT_FRAME_SIZE, heartbeat, &properties,
                                      AMQP_SASL_METHOD_PLAIN, user, password);
}

// Remembers why OpenSSL refused a certificate; rabbitmq-c only says that it did.
static inline int crabbitmq_note_refusal(int accepted, X509_STORE_CTX *store) {
    if (!accepted) {
        SSL *ssl = (SSL *)X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
        int *refusal = (int *)SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
        if (refusal) *refusal = X509_STORE_CTX_get_error(store);
    }
    return accepted;
}

// Makes the handshake fail unless the chain is trusted and the certificate is `host`'s. OpenSSL does both; the check
// in rabbitmq-c 0.11 knows no IP addresses. `refusal` receives the X509_V_ERR code and must outlive amqp_socket_open.
static inline int crabbitmq_verify_peer(amqp_socket_t *socket, const char *host, int use_system_roots, int *refusal) {
    SSL_CTX *context = (SSL_CTX *)amqp_ssl_socket_get_context(socket);
    X509_VERIFY_PARAM *parameters = SSL_CTX_get0_param(context);
    unsigned char address[16];
    int named = inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1
                    ? X509_VERIFY_PARAM_set1_ip_asc(parameters, host)
                    : X509_VERIFY_PARAM_set1_host(parameters, host, 0);
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_CTX_set_app_data(context, refusal);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, crabbitmq_note_refusal);
    amqp_ssl_socket_set_verify_peer(socket, 1);
    amqp_ssl_socket_set_verify_hostname(socket, 0);
    return named == 1 && (!use_system_roots || SSL_CTX_set_default_verify_paths(context) == 1);
}
