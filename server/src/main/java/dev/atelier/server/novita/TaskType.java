package dev.atelier.server.novita;

/** What a task makes, in the API's words. */
enum TaskType {
    TXT_TO_IMG,
    IMG_TO_IMG,
    INPAINTING,
    UPSCALE
}
