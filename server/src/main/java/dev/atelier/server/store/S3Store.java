package dev.atelier.server.store;

import java.io.IOException;
import java.net.URI;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;

/** A bucket of S3, or of a store that speaks as it does. Who may use it is found where Amazon's tools look, such as in
 * {@code AWS_ACCESS_KEY_ID} and {@code AWS_SECRET_ACCESS_KEY}. */
public final class S3Store implements ObjectStore {
    private final S3Client client;
    private final String bucket;
    private final String prefix;

    private S3Store(S3Client client, String bucket, String prefix) {
        this.client = client;
        this.bucket = bucket;
        this.prefix = prefix;
    }

    /**
     * Opens {@code s3://bucket/prefix?endpoint=https://host&region=name}. An endpoint is for stores other than Amazon's.
     *
     * @throws IllegalArgumentException if it is written otherwise
     */
    public static S3Store open(URI url) {
        if (!"s3".equals(url.getScheme()) || url.getAuthority() == null) {
            throw new IllegalArgumentException(
                    "the address of a store is written s3://bucket/prefix?endpoint=https://host&region=name");
        }
        Map<String, String> parameters = parameters(url);
        S3ClientBuilder builder = S3Client.builder()
                .httpClientBuilder(UrlConnectionHttpClient.builder())
                // others than Amazon know neither checksums behind the body, nor bodies in signed pieces
                .serviceConfiguration(s3 -> s3.chunkedEncodingEnabled(false))
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED);
        String endpoint = parameters.get("endpoint");
        if (endpoint != null) {
            builder.endpointOverride(URI.create(endpoint)).forcePathStyle(true).region(Region.US_EAST_1);
        }
        String region = parameters.get("region");
        if (region != null) {
            builder.region(Region.of(region));
        }
        String path = url.getPath().replaceAll("^/+|/+$", "");
        return new S3Store(builder.build(), url.getAuthority(), path.isEmpty() ? "" : path + "/");
    }

    private static Map<String, String> parameters(URI url) {
        String query = url.getQuery() == null ? "" : url.getQuery();
        return Arrays.stream(query.split("&", -1))
                .filter(part -> !part.isEmpty())
                .map(part -> part.split("=", 2))
                .collect(Collectors.toMap(part -> part[0], part -> part.length == 2 ? part[1] : ""));
    }

    @Override
    public void put(String key, byte[] content) throws IOException {
        ObjectStore.requireKey(key);
        try {
            client.putObject(put -> put.bucket(bucket).key(prefix + key), RequestBody.fromBytes(content));
        } catch (SdkException e) {
            throw failed("keep", key, e);
        }
    }

    @Override
    public Optional<Stored> open(String key) throws IOException {
        if (!KEY.matcher(key).matches()) {
            return Optional.empty();
        }
        try {
            ResponseInputStream<GetObjectResponse> content =
                    client.getObject(get -> get.bucket(bucket).key(prefix + key));
            return Optional.of(new Stored(content.response().contentLength(), content));
        } catch (NoSuchKeyException _) {
            return Optional.empty();
        } catch (SdkException e) {
            throw failed("read", key, e);
        }
    }

    @Override
    public void delete(String key) throws IOException {
        ObjectStore.requireKey(key);
        try {
            client.deleteObject(delete -> delete.bucket(bucket).key(prefix + key));
        } catch (SdkException e) {
            throw failed("delete", key, e);
        }
    }

    private IOException failed(String verb, String key, SdkException cause) {
        return new IOException(
                "cannot %s %s in the bucket %s: %s".formatted(verb, key, bucket, cause.getMessage()), cause);
    }

    @Override
    public void close() {
        client.close();
    }
}
